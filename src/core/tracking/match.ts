import { invalid } from "./errors.ts";
import type { Comparison, SortValue } from "./ports.ts";

/** Whether a text fits: `undefined` is a key that is not there, which only IS NULL fits. */
export function textMatcher({ op, value }: Comparison): (text: string | undefined) => boolean {
  switch (op) {
    case "IS NULL":
      return (text) => text === undefined;
    case "IS NOT NULL":
      return (text) => text !== undefined;
    case "IN":
    case "NOT IN": {
      const wanted = new Set(value as readonly string[]);
      return (text) => text !== undefined && wanted.has(text) === (op === "IN");
    }
    case "LIKE":
    case "ILIKE": {
      const like = likeMatcher(String(value), op === "ILIKE");
      return (text) => text !== undefined && like(text);
    }
    case "=":
      return (text) => text === value;
    case "!=":
      return (text) => text !== undefined && text !== value;
    default: {
      const compare = COMPARE[op];
      return (text) => text !== undefined && compare(text < String(value) ? -1 : Number(text > String(value)), 0);
    }
  }
}

const COMPARE = {
  "=": (a: number, b: number) => a === b,
  "!=": (a: number, b: number) => a !== b,
  ">": (a: number, b: number) => a > b,
  ">=": (a: number, b: number) => a >= b,
  "<": (a: number, b: number) => a < b,
  "<=": (a: number, b: number) => a <= b,
} as const;

/** Whether a number fits; NaN and absent numbers never do, but for `!=` of NaN. */
export function numberMatcher({ op, value }: Comparison): (number: number | undefined) => boolean {
  const wanted = Number(value);
  const compare = op in COMPARE ? COMPARE[op as keyof typeof COMPARE] : () => false;
  return (number) => number !== undefined && compare(number, wanted);
}

/** Characters that one pattern with `_` may be compared with: half a second's work. What asks for more is refused, so that it does not keep all others waiting. */
const STEPS_LIMIT = 100_000_000;

/** SQL's LIKE: `%` any text, `_` one character. */
export function likeMatcher(pattern: string, ignoreCase: boolean): (text: string) => boolean {
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  if (!pattern.includes("_")) {
    const parts = fold(pattern).split("%");
    return (text) => hasInOrder(fold(text), parts);
  }
  const wanted = [...fold(pattern)];
  let left = STEPS_LIMIT;
  const step = (): void => {
    left -= 1;
    if (left < 0) throw invalid(`the pattern '${pattern.slice(0, 100)}…' takes too long; use fewer of \`%\` and \`_\``);
  };
  return (text) => likes([...fold(text)], wanted, step);
}

/** The first part at the start, the last at the end, the others between in order; a single one is the whole text. */
function hasInOrder(text: string, parts: readonly string[]): boolean {
  const [first = ""] = parts;
  if (parts.length === 1) return text === first;
  const last = parts.at(-1) ?? "";
  const end = text.length - last.length;
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const part = parts[i] ?? "";
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= end;
}

function likes(text: readonly string[], pattern: readonly string[], step: () => void): boolean {
  let t = 0;
  let p = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    step();
    if (pattern[p] === "%") {
      star = p++;
      mark = t;
    } else if (p < pattern.length && (pattern[p] === "_" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === "%") p++;
  return p === pattern.length;
}

/** Order of two sort values: numbers and texts ascending or descending, then NaN (`"NaN"` of a number column), then null, whatever the direction. */
export function compareSort(a: SortValue, b: SortValue, descending: boolean): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  const sign = a < b ? -1 : 1;
  return descending ? -sign : sign;
}

/** A number as a sort value. */
export function sortNumber(value: number | undefined): SortValue {
  if (value === undefined) return null;
  return Number.isNaN(value) ? "NaN" : value;
}

/** The first `limit` of `count` things in order, by a heap when few of many are wanted. */
export function firstInOrder(
  candidates: Uint32Array,
  limit: number,
  compare: (a: number, b: number) => number,
): Uint32Array {
  if (limit * 4 >= candidates.length) return candidates.sort(compare).subarray(0, limit);
  const heap = new Uint32Array(limit);
  let size = 0;
  const at = (i: number): number => heap[i] ?? 0;
  const swap = (i: number, j: number): void => {
    const kept = at(i);
    heap[i] = at(j);
    heap[j] = kept;
  };
  for (const candidate of candidates) {
    if (size < limit) {
      let i = size++;
      heap[i] = candidate;
      for (let up = (i - 1) >> 1; i > 0 && compare(at(i), at(up)) > 0; up = (i - 1) >> 1) {
        swap(i, up);
        i = up;
      }
    } else if (compare(candidate, at(0)) < 0) {
      heap[0] = candidate;
      for (let i = 0; ; ) {
        const left = 2 * i + 1;
        if (left >= size) break;
        const right = left + 1;
        const larger = right < size && compare(at(right), at(left)) > 0 ? right : left;
        if (compare(at(larger), at(i)) <= 0) break;
        swap(larger, i);
        i = larger;
      }
    }
  }
  return heap.subarray(0, size).sort(compare);
}
