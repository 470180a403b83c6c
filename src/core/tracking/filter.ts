import { invalid } from "./errors.ts";
import { isWord, lex, Reader, type Token, unexpected } from "./lexer.ts";
import type { Comparison, Entity, Operator, OrderKey } from "./ports.ts";

/** What one kind of thing may be searched by. */
export interface Grammar {
  /** Word before the dot -> entity. */
  readonly entities: Readonly<Record<string, Entity>>;
  /** What the error for an unknown word ends with. */
  readonly entityHint: string;
  /** Spelling -> column and kind. */
  readonly attributes: Readonly<Record<string, { readonly column: string; readonly kind: "number" | "text" }>>;
  /** Spellings of attributes that a filter takes; absent: all. */
  readonly filterAttributes?: readonly string[];
  /** Attributes that take IN and NOT IN. */
  readonly lists: readonly string[];
  readonly ops: Readonly<Partial<Record<Entity | "number" | "text", readonly Operator[]>>>;
  /** Attribute -> operators, where they differ from those of its kind. */
  readonly attributeOps?: Readonly<Record<string, readonly Operator[]>>;
  /** What may be sorted by; absent: metrics, params, tags and every attribute. */
  readonly orderColumns?: readonly string[];
  /** A field may be sorted by twice; the second time changes nothing. */
  readonly orderRepeats?: boolean;
}

export const NUMBER_OPS: readonly Operator[] = ["=", "!=", ">", ">=", "<", "<="];
export const TEXT_OPS: readonly Operator[] = ["=", "!=", "LIKE", "ILIKE"];
export const LIST_OPS: readonly Operator[] = ["IN", "NOT IN"];
export const NULL_OPS: readonly Operator[] = ["IS NULL", "IS NOT NULL"];

const FILTER_LIMIT_CHARS = 20_000;

/** `comparison (AND comparison)*`; empty means everything. Errors tell the position and what was expected. */
export function parseFilter(text: string | undefined, grammar: Grammar): Comparison[] {
  if (text === undefined || text.trim() === "") return [];
  if (text.length > FILTER_LIMIT_CHARS)
    throw invalid(`the filter has ${text.length} characters; at most ${FILTER_LIMIT_CHARS} are read`);
  const reader = new Reader(lex(text, "filter string"), text);
  // In MLflow's order: what cannot be read, then names and values, then operators.
  const named = readClauses(reader, text).map((clause) => nameAndValue(clause, grammar));
  return named.map(({ clause, allowed, ...rest }) => {
    const op = allowed.find((each) => each === clause.op);
    if (op === undefined) throw wrongOperator(clause, rest.entity, allowed);
    return { ...rest, op };
  });
}

/** A comparison as it is written. */
interface Clause {
  readonly ident: Identifier;
  readonly at: number;
  readonly op: string;
  readonly opAt: number;
  /** None after IS NULL, as many as are there after IN, else one. */
  readonly values: readonly Token[];
}

const isNull = ({ op }: Pick<Clause, "op">): boolean => NULL_OPS.some((each) => each === op);
const isList = ({ op }: Pick<Clause, "op">): boolean => LIST_OPS.some((each) => each === op);

function readClauses(reader: Reader, text: string): Clause[] {
  const clauses: Clause[] = [];
  for (;;) {
    clauses.push(readClause(reader));
    const token = reader.next();
    if (token.kind === "end") return clauses;
    if (token.text === ";" && reader.peek().kind !== "end")
      throw invalid(`Search filter contained multiple expression "${text}". Provide AND-ed expression list.`);
    if (!isWord(token, "AND")) {
      throw invalid(
        `Invalid clause(s) in filter string: '${token.text}' at position ${token.at}; expected AND or the end`,
      );
    }
  }
}

function readClause(reader: Reader): Clause {
  const { at } = reader.peek();
  const ident = identifier(reader, "filter string");
  const { op, token } = operator(reader);
  const about = { ident, at, op, opAt: token.at };
  if (isNull(about)) return { ...about, values: [] };
  if (isList(about)) return { ...about, values: list(reader) };
  const value = reader.next();
  if (["end", "op", "punct"].includes(value.kind)) throw unexpected(value, "a value");
  return { ...about, values: [value] };
}

/** A comparison whose operator is not looked at yet. */
type Named = Omit<Comparison, "op"> & { readonly clause: Clause; readonly allowed: readonly Operator[] };

function nameAndValue(clause: Clause, grammar: Grammar): Named {
  const { ident, values } = clause;
  const { entity, key, kind } = resolve(ident, grammar, clause.at, "filter");
  const allowed = operatorsOf(grammar, entity, ident.key, kind);
  const about = { clause, allowed, entity, key };
  const isTaken = allowed.some((op) => op === clause.op);
  if (isNull(clause)) {
    if (!isTaken) throw wrongOperator(clause, entity, allowed);
    return about;
  }
  if (isList(clause)) {
    if (!isTaken) throw entity === "attribute" ? noList(clause, grammar) : wrongOperator(clause, entity, allowed);
    return { ...about, value: texts(values) };
  }
  const [first] = values;
  return first === undefined ? about : { ...about, value: typedValue(first, entity, kind, ident.key) };
}

function wrongOperator(clause: Clause, entity: Entity, allowed: readonly Operator[]): Error {
  const { ident, op, opAt } = clause;
  const about = `${entity} '${ident.key}' at position ${opAt}`;
  if (isNull(clause)) return invalid(`IS NULL / IS NOT NULL is only supported for tags and params, not for ${about}`);
  return invalid(`Invalid comparator '${op}' not one of '${allowed.join("', '")}' (for ${about})`);
}

function noList({ ident, opAt }: Clause, { lists }: Grammar): Error {
  const names = lists.map((name) => `'${name}'`).join(", ");
  return invalid(
    `Only [${names}] attributes support comparison with a list of quoted string values. (for attribute '${ident.key}' at position ${opAt})`,
  );
}

interface Identifier {
  readonly entity: string | undefined;
  readonly key: string;
}

/** `key`, `entity.key`, with either in back-ticks or double quotes. */
function identifier(reader: Reader, what: string): Identifier {
  const token = reader.next();
  if (token.kind === "tick" || token.kind === "double") {
    if (reader.peek().text !== ".") return { entity: undefined, key: token.value };
    reader.next();
    const key = reader.next();
    if (!["word", "tick", "double"].includes(key.kind)) throw unexpected(key, "a key after the dot");
    return { entity: token.value, key: key.value };
  }
  if (token.kind !== "word" || isWord(token, "AND")) {
    throw invalid(
      `Invalid clause(s) in ${what}: '${token.text}' at position ${token.at}; expected a name such as metrics.\`a key\``,
    );
  }
  const dot = token.value.indexOf(".");
  if (dot < 0) return { entity: undefined, key: token.value };
  const entity = token.value.slice(0, dot);
  const rest = token.value.slice(dot + 1);
  if (rest !== "") return { entity, key: rest };
  const key = reader.next();
  if (
    key.kind !== "tick" &&
    key.kind !== "double" &&
    !(key.kind === "number" && key.at === token.at + token.text.length)
  ) {
    throw invalid(
      `Invalid clause(s) in ${what}: '${key.text}' at position ${key.at}; expected a key after '${token.text}'`,
    );
  }
  return { entity, key: key.value };
}

function resolve(
  ident: Identifier,
  grammar: Grammar,
  at: number,
  clause: "filter" | "order_by",
): { entity: Entity; key: string; kind: "number" | "text" } {
  const entity =
    ident.entity === undefined
      ? "attribute"
      : Object.hasOwn(grammar.entities, ident.entity)
        ? grammar.entities[ident.entity]
        : undefined;
  if (entity === undefined) {
    throw invalid(`Invalid entity type '${ident.entity}'. ${grammar.entityHint} (in ${clause} at position ${at})`);
  }
  if (entity === "metric") return { entity, key: ident.key, kind: "number" };
  if (entity === "dataset" && !["name", "digest", "context"].includes(ident.key)) {
    throw invalid(
      `Invalid dataset key '${ident.key}' specified. Valid keys are '{'name', 'digest', 'context'}' (in ${clause} at position ${at})`,
    );
  }
  if (entity !== "attribute") return { entity, key: ident.key, kind: "text" };
  const valid = (clause === "filter" && grammar.filterAttributes) || Object.keys(grammar.attributes);
  const known = valid.includes(ident.key) ? grammar.attributes[ident.key] : undefined;
  if (known === undefined) {
    const keys = valid.map((name) => `'${name}'`).join(", ");
    throw invalid(
      `Invalid attribute key '${ident.key}' specified. Valid keys are '{${keys}}' (in ${clause} at position ${at})`,
    );
  }
  return { entity, key: known.column, kind: known.kind };
}

function operatorsOf(grammar: Grammar, entity: Entity, spelled: string, kind: "number" | "text"): readonly Operator[] {
  if (entity !== "attribute") return grammar.ops[entity] ?? [];
  const own = grammar.attributeOps;
  if (own !== undefined && Object.hasOwn(own, spelled)) return own[spelled] ?? [];
  const ops = grammar.ops[kind] ?? [];
  return grammar.lists.includes(spelled) ? [...ops, ...LIST_OPS] : ops;
}

/** Also one that nothing takes, such as `<>` and NOT LIKE: it is told with those that are taken. */
function operator(reader: Reader): { op: string; token: Token } {
  const token = reader.next();
  if (token.kind === "op") return { op: token.text, token };
  for (const word of ["LIKE", "ILIKE", "IN"]) if (isWord(token, word)) return { op: word, token };
  for (const word of ["LIKE", "ILIKE", "IN"])
    if (isWord(token, "NOT") && isWord(reader.peek(), word)) {
      reader.next();
      return { op: `NOT ${word}`, token };
    }
  if (isWord(token, "IS")) {
    const second = reader.next();
    if (isWord(second, "NULL")) return { op: "IS NULL", token };
    if (isWord(second, "NOT") && isWord(reader.peek(), "NULL")) {
      reader.next();
      return { op: "IS NOT NULL", token };
    }
    throw unexpected(second, "NULL or NOT NULL");
  }
  throw unexpected(token, "an operator: =, !=, >, >=, <, <=, LIKE, ILIKE, IN, IS NULL");
}

function list(reader: Reader): Token[] {
  const open = reader.next();
  if (open.text !== "(") throw unexpected(open, "a list in parentheses");
  const values: Token[] = [];
  if (reader.peek().text === ")") return [reader.next()];
  for (;;) {
    const token = reader.next();
    // A tuple of Python's with one value is written with a comma: `('a',)`.
    if (token.text === ")" && values.length > 0) return values;
    if (["end", "op", "punct"].includes(token.kind)) throw notText(token);
    values.push(token);
    const after = reader.next();
    if (after.text === ")") return values;
    if (after.text !== ",") throw unexpected(after, "a comma or a closing parenthesis");
  }
}

function notText(token: Token): Error {
  return invalid(
    `While parsing a list in the query, expected a non-empty list of string values, but got '${token.text}' at position ${token.at}`,
  );
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\n": "" };

/** MLflow reads lists as Python does: `\'` is a quote, and `'a''b'` is `ab`. */
function texts(tokens: readonly Token[]): string[] {
  return tokens.map((token) => {
    if (token.kind !== "single" && token.kind !== "double") throw notText(token);
    const joined = token.kind === "single" ? /''|\\(['"\\nrt\n])/g : /""|\\(['"\\nrt\n])/g;
    return token.value.replace(joined, (_, escaped: string | undefined) =>
      escaped === undefined ? "" : (ESCAPES[escaped] ?? escaped),
    );
  });
}

function typedValue(token: Token, entity: Entity, kind: "number" | "text", key: string): string | number {
  const isText = token.kind === "single" || token.kind === "double";
  if (kind === "number") {
    if (token.kind === "number") return Number(token.value);
    const about = entity === "attribute" ? `numeric attribute: ${key}` : entity;
    throw invalid(
      `Expected numeric value type for ${about}. Found ${isText ? token.text : `'${token.text}'`} at position ${token.at}`,
    );
  }
  if (isText) return token.value;
  throw invalid(
    `Expected a quoted string value for ${entity} (e.g. 'my-value'). Got value ${token.text} at position ${token.at} (for '${key}')`,
  );
}

const ORDER_LIMIT = 100;

/** One `ident [ASC|DESC]` a text. Throws for the same field twice. */
export function parseOrderBy(clauses: readonly string[], grammar: Grammar): OrderKey[] {
  const seen = new Set<string>();
  if (clauses.length > ORDER_LIMIT)
    throw invalid(`order_by has ${clauses.length} clauses; at most ${ORDER_LIMIT} are read`);
  return clauses.map((text) => {
    if (text.length > FILTER_LIMIT_CHARS)
      throw invalid(`an order_by clause has ${text.length} characters; at most ${FILTER_LIMIT_CHARS} are read`);
    const reader = new Reader(lex(text, "order_by clause"), text);
    const ident = orderIdentifier(reader, text);
    const direction = reader.next();
    const descending = isWord(direction, "DESC");
    if (
      !(descending || isWord(direction, "ASC") || direction.kind === "end") ||
      (direction.kind !== "end" && reader.peek().kind !== "end")
    ) {
      throw invalid(
        `Invalid order_by clause '${text}': unexpected '${direction.text}' at position ${direction.at}; expected ASC or DESC`,
      );
    }
    const { entity, key, kind } = resolve(ident, grammar, 0, "order_by");
    if (
      entity === "dataset" ||
      (grammar.orderColumns !== undefined && (entity !== "attribute" || !grammar.orderColumns.includes(key)))
    ) {
      const allowed =
        grammar.orderColumns === undefined ? "metrics, params, tags and attributes" : grammar.orderColumns.join(", ");
      throw invalid(`Invalid order by key '${ident.key}' specified. Valid keys are: ${allowed}`);
    }
    const name = `${entity} ${key}`;
    if (seen.has(name) && grammar.orderRepeats !== true)
      throw invalid(`\`order_by\` contains duplicate fields: ${JSON.stringify(clauses)}`);
    seen.add(name);
    return { entity, key, kind, descending };
  });
}

/** Attributes of two words (`Run Name`) are written bare in sort clauses. */
function orderIdentifier(reader: Reader, text: string): Identifier {
  if (reader.peek().kind === "end") throw invalid(`Invalid order_by clause '${text}': it is empty`);
  if (isWord(reader.peek(), "RUN") && isWord(reader.peek(1), "NAME")) {
    reader.next();
    reader.next();
    return { entity: undefined, key: "run_name" };
  }
  return identifier(reader, "order_by clause");
}
