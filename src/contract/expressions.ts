import { AppError } from "./errors.ts";

/** `${{inputs.lr}}`: `path` is `["inputs", "lr"]`. `raw` is the text with its braces, offsets are into the template. */
export interface BindingToken {
  readonly kind: "binding";
  readonly raw: string;
  readonly path: readonly string[];
  readonly start: number;
}
/** `${{` that is not closed, or holds something that is no dotted name. */
export interface BrokenToken {
  readonly kind: "broken";
  readonly raw: string;
  readonly reason: string;
  readonly start: number;
}
export interface TextToken {
  readonly kind: "text";
  readonly raw: string;
  readonly start: number;
}
/** `$[[ ... ]]`: kept only when every input inside is given. */
export interface GroupToken {
  readonly kind: "group";
  readonly raw: string;
  readonly tokens: readonly Token[];
  readonly start: number;
}
export type Token = TextToken | BindingToken | BrokenToken | GroupToken;

const NAME = /^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/;

/** Splits a command, argument list or any other text that may hold expressions. Never throws: what cannot be read is a `broken` token. */
export function tokenize(template: string): Token[] {
  if (!template.includes("${{") && !template.includes("$[[")) {
    return template === "" ? [] : [{ kind: "text", raw: template, start: 0 }];
  }
  return scan(template, 0, template.length, true);
}

function scan(text: string, from: number, to: number, groups: boolean): Token[] {
  const tokens: Token[] = [];
  let plain = from;
  let at = from;
  // What is not closed once is not looked for again: a text of nothing but openings would take quadratic time.
  let [bindingsEnd, groupsEnd] = [true, groups];
  const flush = (end: number) => {
    if (end > plain) tokens.push({ kind: "text", raw: text.slice(plain, end), start: plain });
  };
  while (at < to) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0 || dollar >= to) break;
    if (bindingsEnd && text.startsWith("${{", dollar)) {
      flush(dollar);
      const token = binding(text, dollar, to);
      bindingsEnd = text.startsWith("}}", dollar + token.raw.length - 2);
      tokens.push(token);
      at = dollar + token.raw.length;
      plain = at;
    } else if (groupsEnd && text.startsWith("$[[", dollar)) {
      const close = closing(text, dollar + 3, to);
      if (close === undefined) {
        groupsEnd = false;
        at = dollar + 3;
        continue;
      }
      flush(dollar);
      const inner = scan(text, dollar + 3, close, false);
      tokens.push({ kind: "group", raw: text.slice(dollar, close + 2), tokens: inner, start: dollar });
      at = close + 2;
      plain = at;
    } else at = dollar + 1;
  }
  flush(to);
  return tokens;
}

/** The `]]` that ends a group: not one inside `${{...}}`, and of `]]]` the last two. */
function closing(text: string, from: number, to: number): number | undefined {
  let at = from;
  while (at < to) {
    if (text.startsWith("${{", at)) {
      const end = text.indexOf("}}", at);
      if (end < 0 || end >= to) return undefined;
      at = end + 2;
    } else if (text.startsWith("]]", at)) {
      let end = at;
      while (text[end + 2] === "]") end++;
      return end;
    } else at++;
  }
  return undefined;
}

function binding(text: string, start: number, to: number): BindingToken | BrokenToken {
  const close = text.indexOf("}}", start + 3);
  if (close < 0 || close + 2 > to) {
    const line = text.slice(start, to).split(/\s/, 1)[0] ?? "";
    return { kind: "broken", raw: line, reason: "is not closed with `}}`", start };
  }
  const raw = text.slice(start, close + 2);
  const inner = text.slice(start + 3, close).trim();
  if (inner === "") return { kind: "broken", raw, reason: "is empty", start };
  if (!NAME.test(inner))
    return { kind: "broken", raw, reason: "is not a dotted name; there are no operators, indexes or functions", start };
  return { kind: "binding", raw, path: inner.split("."), start };
}

/** All bindings of a template, those in groups too. */
export function bindingsOf(template: string): BindingToken[] {
  const found: BindingToken[] = [];
  const visit = (tokens: readonly Token[]) => {
    for (const token of tokens) {
      if (token.kind === "binding") found.push(token);
      else if (token.kind === "group") visit(token.tokens);
    }
  };
  visit(tokenize(template));
  return found;
}

/** The binding a text consists of, with nothing around it but space. */
export function wholeBinding(text: string): BindingToken | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith("${{") || trimmed.indexOf("}}") !== trimmed.length - 2) return undefined;
  const [token] = tokenize(trimmed);
  return token?.kind === "binding" ? token : undefined;
}

/** The step that a block of a control step names: `${{parent.jobs.STEP}}`, or its bare name. */
export function stepNamed(written: string): string {
  const path = wholeBinding(written)?.path ?? [];
  return path.length === 3 && path[0] === "parent" && path[1] === "jobs" ? (path[2] ?? "") : written.trim();
}

/** Values by name, groups by dotted name (`g.x`). `undefined` under a known name: an optional input that was not given. */
export interface RenderValues {
  readonly inputs?: Readonly<Record<string, string | undefined>>;
  readonly outputs?: Readonly<Record<string, string | undefined>>;
  readonly searchSpace?: Readonly<Record<string, string | undefined>>;
  /** Names without a dot: `name`, `default_datastore`, `output_name`. */
  readonly names?: Readonly<Record<string, string | undefined>>;
}

/**
 * The final text of a command or argument list. Plain substitution, as in Azure: no quoting is added, so a value with spaces needs
 * quotes in the template. An optional group vanishes when an input in it is not given; an input that is not given elsewhere,
 * and a name that is not known, is an `InvalidSpec` error.
 */
export function renderCommand(template: string, values: RenderValues): string {
  return renderAll(tokenize(template), values);
}

function renderAll(tokens: readonly Token[], values: RenderValues): string {
  return tokens.map((token) => renderToken(token, values)).join("");
}

function renderToken(token: Token, values: RenderValues): string {
  if (token.kind === "text") return token.raw;
  if (token.kind === "broken") {
    throw new AppError("InvalidSpec", `expression \`${token.raw}\` ${token.reason}`, { expression: token.raw });
  }
  if (token.kind === "group") {
    const missing = token.tokens.some((part) => part.kind === "binding" && lookup(part, values) === undefined);
    return missing ? "" : renderAll(token.tokens, values);
  }
  const value = lookup(token, values);
  if (value !== undefined) return value;
  throw new AppError("InvalidSpec", `\`${token.raw}\` has no value`, {
    expression: token.raw,
    hint: `give \`${token.path.slice(1).join(".")}\` a value, or wrap the part that needs it in \`$[[ ... ]]\``,
  });
}

function lookup(token: BindingToken, values: RenderValues): string | undefined {
  const [space, ...rest] = token.path;
  const name = rest.join(".");
  const from =
    space === "inputs"
      ? values.inputs
      : space === "outputs"
        ? values.outputs
        : space === "search_space"
          ? values.searchSpace
          : undefined;
  const [table, key] = from === undefined ? [values.names, token.path.join(".")] : [from, name];
  if (table === undefined || !Object.hasOwn(table, key)) {
    const known = table === undefined ? [] : Object.keys(table);
    throw new AppError("InvalidSpec", `\`${token.raw}\` is not defined`, { expression: token.raw, defined: known });
  }
  return table[key];
}

/** Same, but what has no value stays as it is written: for output paths and environment variables, which may hold names only the server knows. */
export function renderKnown(template: string, values: RenderValues): string {
  return tokenize(template)
    .map((token) => {
      if (token.kind !== "binding") return token.raw;
      const [space, ...rest] = token.path;
      const table =
        space === "inputs"
          ? values.inputs
          : space === "outputs"
            ? values.outputs
            : space === "search_space"
              ? values.searchSpace
              : values.names;
      const key = table === values.names ? token.path.join(".") : rest.join(".");
      return table !== undefined && Object.hasOwn(table, key) ? (table[key] ?? "") : token.raw;
    })
    .join("");
}
