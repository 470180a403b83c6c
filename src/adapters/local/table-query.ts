import type { Query } from "../../core/ports/table.ts";
import { checkQuery } from "../../core/ports/table-rules.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";

/** A query as one SQL text (few per process, so each is prepared once) and what to bind before the row count. */
export interface Plan {
  /** Columns: body, names, bytes, then the position columns. Takes `values`, the position after which to start (if any) and the row count. */
  readonly text: (resumed: boolean) => string;
  readonly values: readonly string[];
  readonly limit: number;
  /** Where the cursor says to go on. */
  readonly start: readonly string[] | undefined;
  readonly cursorAt: (position: readonly string[]) => string;
}

const COLUMNS = {
  base: { pk: "pk", sk: "sk", position: ["sk"] },
  gsi1: { pk: "gsi1pk", sk: "gsi1sk", position: ["gsi1sk", "pk", "sk"] },
  gsi2: { pk: "gsi2pk", sk: "gsi2sk", position: ["gsi2sk", "pk", "sk"] },
} as const;

/** Checks the query and plans it. Throws AppError("InvalidArgument") or, for a foreign cursor, "InvalidCursor". */
export function planQuery(query: Query): Plan {
  const { pk, sk = {}, reverse = false, limit = 1000 } = query;
  checkQuery(query);
  const columns = COLUMNS[query.index ?? "base"];
  const clauses = [`${columns.pk} = ?`];
  const values = [pk];
  const bound = (operator: string, value: string | undefined): void => {
    if (value !== undefined) {
      clauses.push(`${columns.sk} ${operator} ?`);
      values.push(value);
    }
  };
  bound(">=", sk.prefix ?? sk.from);
  bound("<=", sk.to);
  bound("<", sk.prefix === undefined ? undefined : successor(sk.prefix));

  const position = columns.position.join(", ");
  const after = `(${position}) ${reverse ? "<" : ">"} (${columns.position.map(() => "?").join(", ")})`;
  const direction = reverse ? " DESC" : "";
  const order = columns.position.map((column) => column + direction).join(", ");
  const scope = JSON.stringify([query.index ?? "", pk, sk.prefix ?? null, sk.from ?? null, sk.to ?? null, reverse]);
  return {
    text: (resumed) =>
      `SELECT body, names, bytes, ${position} FROM items WHERE ${[...clauses, ...(resumed ? [after] : [])].join(" AND ")} ORDER BY ${order} LIMIT ?`,
    values,
    limit,
    start: query.cursor === undefined ? undefined : decodeCursor(scope, query.cursor, columns.position.length),
    cursorAt: (at) => encodeCursor(scope, at),
  };
}

/** The least text above every text that starts with `prefix`; undefined if there is none. UTF-8 order is code point order. */
function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? 0;
    if (last < 0x10ffff) {
      // The surrogate range holds no characters of its own.
      return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
    }
  }
  return undefined;
}
