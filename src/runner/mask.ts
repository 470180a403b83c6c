const STARS = Buffer.from("***");
/** Shorter ones would be found everywhere. */
const LEAST_CHARS = 4;

export interface Mask {
  /** What of a text may be shown now; the beginning of what may be a secret is kept back until more comes. */
  take(chunk: Buffer): Buffer;
  /** What was kept back. */
  rest(): Buffer;
}

/** Replaces values, and lines of those that have several, by `***` in text that comes in pieces. */
export function makeMask(values: readonly string[]): Mask {
  const hidden = [...new Set(values.flatMap((value) => [value, ...value.split(/\r?\n/)]))]
    .filter((text) => text.trim().length >= LEAST_CHARS)
    // Of two that begin at one place the longer one is meant.
    .sort((a, b) => b.length - a.length)
    .map((text) => Buffer.from(text));
  let held: Buffer = Buffer.alloc(0);
  if (hidden.length === 0) return { take: (chunk) => chunk, rest: () => held };

  return {
    take(chunk) {
      const text = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const shown: Buffer[] = [];
      let at = 0;
      for (let found = first(text, hidden, at); found !== undefined; found = first(text, hidden, at)) {
        shown.push(text.subarray(at, found.start), STARS);
        at = found.end;
      }
      const keep = beginning(text.subarray(at), hidden);
      shown.push(text.subarray(at, text.length - keep));
      held = Buffer.from(text.subarray(text.length - keep));
      return Buffer.concat(shown);
    },
    rest() {
      const last = held;
      held = Buffer.alloc(0);
      return last;
    },
  };
}

/** The first secret from `from` on. */
function first(text: Buffer, hidden: readonly Buffer[], from: number): { start: number; end: number } | undefined {
  let best: { start: number; end: number } | undefined;
  for (const secret of hidden) {
    const start = text.indexOf(secret, from);
    if (start >= 0 && (best === undefined || start < best.start)) best = { start, end: start + secret.length };
  }
  return best;
}

/** How many of the last bytes are the beginning of a secret. */
function beginning(text: Buffer, hidden: readonly Buffer[]): number {
  const longest = Math.min(text.length, Math.max(...hidden.map(({ length }) => length)) - 1);
  for (let length = longest; length > 0; length--) {
    const end = text.subarray(text.length - length);
    if (hidden.some((secret) => secret.length > length && secret.subarray(0, length).equals(end))) return length;
  }
  return 0;
}
