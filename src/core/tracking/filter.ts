import { invalid } from "./errors.ts";
import type { Comparison, Entity, Operator, OrderKey } from "./ports.ts";

/** What one kind of thing may be searched by. */
export interface Grammar {
  /** Word before the dot -> entity. */
  readonly entities: Readonly<Record<string, Entity>>;
  /** As the error for an unknown word tells them. */
  readonly entityNames: readonly string[];
  /** Spelling -> column and kind. */
  readonly attributes: Readonly<Record<string, { readonly column: string; readonly kind: "number" | "text" }>>;
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

type Kind = "word" | "number" | "single" | "double" | "tick" | "op" | "punct" | "end";
interface Token {
  readonly kind: Kind;
  /** As written. */
  readonly text: string;
  /** Without quotes. */
  readonly value: string;
  readonly at: number;
}

/** No two of its parts can share a text in more than one way, so that a text that fits none is left in linear time. */
const LEXER =
  /\s+|([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|([\p{L}_][\p{L}\p{N}_.]*\.?)|('(?:[^'\\]|\\.|'')*')|("(?:[^"\\]|\\.|"")*")|(`[^`]*`)|(!=|>=|<=|<>|==|[=<>])|([(),.;])|(.)/gsuy;

function lex(text: string, what: string): Token[] {
  const tokens: Token[] = [];
  LEXER.lastIndex = 0;
  for (let match = LEXER.exec(text); match !== null; match = LEXER.exec(text)) {
    const at = match.index;
    const [whole, number, word, single, double, tick, op, punct, other] = match;
    if (other !== undefined) {
      const why = /['"`]/.test(other) ? "a quote that is not closed" : `an unexpected ${JSON.stringify(other)}`;
      throw invalid(`Invalid ${what} '${text}': ${why} at position ${at}`);
    }
    const add = (kind: Kind, value: string): void => void tokens.push({ kind, text: whole, value, at });
    if (number !== undefined) add("number", number);
    else if (word !== undefined) add("word", word);
    else if (single !== undefined) add("single", single.slice(1, -1));
    else if (double !== undefined) add("double", double.slice(1, -1));
    else if (tick !== undefined) add("tick", tick.slice(1, -1));
    else if (op !== undefined) add("op", op);
    else if (punct !== undefined) add("punct", punct);
  }
  tokens.push({ kind: "end", text: "the end", value: "", at: text.length });
  return tokens;
}

const FILTER_LIMIT_CHARS = 20_000;

/** `comparison (AND comparison)*`; empty means everything. Errors tell the position and what was expected. */
export function parseFilter(text: string | undefined, grammar: Grammar): Comparison[] {
  if (text === undefined || text.trim() === "") return [];
  if (text.length > FILTER_LIMIT_CHARS)
    throw invalid(`the filter has ${text.length} characters; at most ${FILTER_LIMIT_CHARS} are read`);
  const reader = new Reader(lex(text, "filter string"), text);
  const comparisons: Comparison[] = [];
  for (;;) {
    comparisons.push(comparison(reader, grammar));
    const token = reader.next();
    if (token.kind === "end") return comparisons;
    if (token.text === ";" && reader.peek().kind !== "end")
      throw invalid(`Search filter contained multiple expression "${text}". Provide AND-ed expression list.`);
    if (!isWord(token, "AND")) {
      throw invalid(
        `Invalid clause(s) in filter string: '${token.text}' at position ${token.at}; expected AND or the end`,
      );
    }
  }
}

class Reader {
  private at = 0;
  readonly tokens: readonly Token[];
  readonly text: string;

  constructor(tokens: readonly Token[], text: string) {
    this.tokens = tokens;
    this.text = text;
  }

  peek(ahead = 0): Token {
    return (
      this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)] ?? { kind: "end", text: "", value: "", at: 0 }
    );
  }

  next(): Token {
    const token = this.peek();
    this.at += 1;
    return token;
  }
}

function isWord(token: Token, word: string): boolean {
  return token.kind === "word" && token.text.toUpperCase() === word;
}

function unexpected(token: Token, expected: string): Error {
  return invalid(`Invalid clause(s) in filter string: '${token.text}' at position ${token.at}; expected ${expected}`);
}

function comparison(reader: Reader, grammar: Grammar): Comparison {
  const at = reader.peek().at;
  const ident = identifier(reader, "filter string");
  const { entity, key, kind } = resolve(ident, grammar, at, "filter");
  const { op, token } = operator(reader);
  const allowed = operatorsOf(grammar, entity, ident.key, kind);
  if (!allowed.includes(op))
    throw wrongOperator(op, allowed, grammar, `${entity} '${ident.key}' at position ${token.at}`);
  if (op === "IS NULL" || op === "IS NOT NULL") return { entity, key, op };
  if (op === "IN" || op === "NOT IN") return { entity, key, op, value: list(reader) };
  return { entity, key, op, value: value(reader, entity, kind, ident.key) };
}

function wrongOperator(op: Operator, allowed: readonly Operator[], grammar: Grammar, about: string): Error {
  if (NULL_OPS.includes(op))
    return invalid(`IS NULL / IS NOT NULL is only supported for tags and params, not for ${about}`);
  if (LIST_OPS.includes(op) && about.startsWith("attribute")) {
    const lists = grammar.lists.map((name) => `'${name}'`).join(", ");
    return invalid(`Only [${lists}] attributes support comparison with a list of quoted string values. (for ${about})`);
  }
  return invalid(`Invalid comparator '${op}' not one of '${allowed.join("', '")}' (for ${about})`);
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
    const names = grammar.entityNames.map((name) => `'${name}'`).join(", ");
    throw invalid(
      `Invalid entity type '${ident.entity}'. Valid values are [${names}] (in ${clause} at position ${at})`,
    );
  }
  if (entity === "metric") return { entity, key: ident.key, kind: "number" };
  if (entity === "dataset" && !["name", "digest", "context"].includes(ident.key)) {
    throw invalid(
      `Invalid dataset key '${ident.key}' specified. Valid keys are '{'name', 'digest', 'context'}' (in ${clause} at position ${at})`,
    );
  }
  if (entity !== "attribute") return { entity, key: ident.key, kind: "text" };
  const known = Object.hasOwn(grammar.attributes, ident.key) ? grammar.attributes[ident.key] : undefined;
  if (known === undefined) {
    const keys = Object.keys(grammar.attributes)
      .map((name) => `'${name}'`)
      .join(", ");
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

function operator(reader: Reader): { op: Operator; token: Token } {
  const token = reader.next();
  if (token.kind === "op" && NUMBER_OPS.includes(token.text as Operator)) return { op: token.text as Operator, token };
  for (const word of ["LIKE", "ILIKE", "IN"] as const) if (isWord(token, word)) return { op: word, token };
  if (isWord(token, "NOT") && isWord(reader.peek(), "IN")) {
    reader.next();
    return { op: "NOT IN", token };
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

function list(reader: Reader): string[] {
  const open = reader.next();
  if (open.text !== "(") throw unexpected(open, "a list in parentheses");
  const values: string[] = [];
  for (;;) {
    const token = reader.next();
    if (token.kind !== "single" && token.kind !== "double") {
      throw invalid(
        `While parsing a list in the query, expected a non-empty list of string values, but got '${token.text}' at position ${token.at}`,
      );
    }
    values.push(token.value);
    const after = reader.next();
    if (after.text === ")") return values;
    if (after.text !== ",") throw unexpected(after, "a comma or a closing parenthesis");
  }
}

function value(reader: Reader, entity: Entity, kind: "number" | "text", key: string): string | number {
  const token = reader.next();
  const about = entity === "attribute" ? `numeric attribute: ${key}` : entity;
  if (kind === "number") {
    if (token.kind === "number") return Number(token.value);
    throw invalid(
      `Expected numeric value type for ${about}. Found ${token.kind === "single" || token.kind === "double" ? token.text : `'${token.text}'`} at position ${token.at}`,
    );
  }
  if (token.kind === "single" || token.kind === "double") return token.value;
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
