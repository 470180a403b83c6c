import { invalid } from "./errors.ts";

type Kind = "word" | "number" | "single" | "double" | "tick" | "op" | "punct" | "end";
export interface Token {
  readonly kind: Kind;
  /** As written. */
  readonly text: string;
  /** Without quotes. */
  readonly value: string;
  readonly at: number;
}

/** No two of its parts can share a text in more than one way, so that a text that fits none is left in linear time. */
const LEXER =
  /\s+|([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|([\p{L}_][\p{L}\p{N}_.]*\.?)|('(?:[^'\\]|\\.|'')*')|("(?:[^"\\]|\\.|"")*")|(`[^`]*`)|(!=|>=|<=|<>|==|[=<>~])|([(),.;])|(.)/gsuy;

export function lex(text: string, what: string): Token[] {
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

export class Reader {
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

export function isWord(token: Token, word: string): boolean {
  return token.kind === "word" && token.text.toUpperCase() === word;
}

export function unexpected(token: Token, expected: string): Error {
  return invalid(`Invalid clause(s) in filter string: '${token.text}' at position ${token.at}; expected ${expected}`);
}
