import { type BindingToken, type Token, tokenize } from "../contract/expressions.ts";
import { placeInside, type ScalarNode } from "./nodes.ts";
import type { CheckContext } from "./schema.ts";
import { listed, nearest } from "./suggest.ts";

/** Names an expression may use at some place. A list that is undefined is not known, and anything goes. */
export interface Scope {
  readonly inputs?: readonly string[] | undefined;
  readonly outputs?: readonly string[] | undefined;
  readonly searchSpace?: readonly string[] | undefined;
  /** Inputs without a value of their own: allowed in `$[[ ]]` only. */
  readonly optional?: ReadonlySet<string>;
  /** Words before the first dot that have a meaning here. */
  readonly spaces: readonly string[];
  /** Undefined names are only warned about. */
  readonly lax?: boolean;
}

export const SERVER_NAMES = ["name", "default_datastore", "output_name"];

/** Checks every expression of a text against the names in scope, each with its own place in the file. */
export function checkTemplate(node: ScalarNode, field: string, ctx: CheckContext, scope: Scope): void {
  const seen = new Map<string, number>();
  const visit = (tokens: readonly Token[], grouped: boolean) => {
    for (const token of tokens) {
      if (token.kind === "text") continue;
      if (token.kind === "group") {
        visit(token.tokens, true);
        continue;
      }
      const nth = seen.get(token.raw) ?? 0;
      seen.set(token.raw, nth + 1);
      const complaint =
        token.kind === "broken"
          ? { message: `expression \`${token.raw}\` ${token.reason}` }
          : complain(token, scope, grouped);
      if (!complaint) continue;
      const place = placeInside(node, token.raw, nth);
      if (scope.lax) ctx.findings.warn(place, field, complaint.message, complaint.hint);
      else ctx.findings.error(place, field, complaint.message, complaint.hint);
    }
  };
  visit(tokenize(node.text), false);
}

interface Complaint {
  readonly message: string;
  readonly hint?: string | undefined;
}

function complain(token: BindingToken, scope: Scope, grouped: boolean): Complaint | undefined {
  const [space = "", ...rest] = token.path;
  if (!scope.spaces.includes(space)) {
    const near = nearest(space, scope.spaces);
    const known = listed(scope.spaces.map((word) => (SERVER_NAMES.includes(word) ? word : `${word}.NAME`)));
    return {
      message: `\`${token.raw}\` has no meaning here; known are ${known}`,
      hint:
        space === "secrets"
          ? "a secret is for `environment_variables`; the command reads the variable"
          : near === undefined
            ? undefined
            : `did you mean \`${near}\`?`,
    };
  }
  if (SERVER_NAMES.includes(space) || space === "parent") return undefined;
  const name = rest.join(".");
  if (name === "") return { message: `\`${token.raw}\` lacks a name after \`${space}\`` };
  // Which there are, the home knows.
  if (space === "secrets") return undefined;
  const noun = space === "inputs" ? "input" : space === "outputs" ? "output" : "search space parameter";
  const known = space === "inputs" ? scope.inputs : space === "outputs" ? scope.outputs : scope.searchSpace;
  if (known !== undefined && !isKnown(name, known)) return undefinedName(noun, name, known, scope, space);
  if (space === "inputs" && !grouped && scope.optional?.has(name)) {
    return {
      message: `optional input \`${name}\` is used outside \`$[[ ]]\``,
      hint: `write \`$[[ ... ${token.raw} ]]\`, so that the part vanishes when the input is not given`,
    };
  }
  return undefined;
}

/** `inputs.group.x` is known when `group.x` is, or when only `group` is declared. */
function isKnown(name: string, known: readonly string[]): boolean {
  return known.includes(name) || (name.includes(".") && known.includes(name.slice(0, name.indexOf("."))));
}

export function undefinedName(
  noun: string,
  name: string,
  known: readonly string[],
  scope?: Scope,
  space?: string,
): Complaint {
  const near = nearest(name, known);
  const elsewhere = space === "inputs" && scope?.searchSpace?.includes(name) ? `search_space.${name}` : undefined;
  const hint = elsewhere
    ? `did you mean \`\${{${elsewhere}}}\`?`
    : near === undefined
      ? `define it under \`${noun === "search space parameter" ? "search_space" : `${noun}s`}\``
      : `did you mean \`${near}\`?`;
  return { message: `${noun} \`${name}\` is not defined (defined: ${listed(known)})`, hint };
}
