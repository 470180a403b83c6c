import type { Clock } from "../core/ports/clock.ts";

/** Answers kept for a short time, for what every request asks. */
export interface Recent<T> {
  /** The answer kept, or a new one; asked once for all who wait for it. A failure is not kept. */
  get(key: string, ask: () => Promise<T>): Promise<T>;
  /** What this process has changed is asked anew; without a key, everything. */
  forget(key?: string): void;
}

const LIMIT = 10_000;

export function makeRecent<T>(deps: { readonly clock: Clock; readonly ageMs: number }): Recent<T> {
  const kept = new Map<string, { readonly answer: Promise<T>; readonly untilMs: number }>();
  return {
    get(key, ask) {
      const nowMs = deps.clock.now();
      const known = kept.get(key);
      if (known !== undefined && known.untilMs > nowMs) return known.answer;
      if (kept.size >= LIMIT) kept.clear();
      const entry = { answer: ask(), untilMs: nowMs + deps.ageMs };
      kept.set(key, entry);
      entry.answer.catch(() => {
        if (kept.get(key) === entry) kept.delete(key);
      });
      return entry.answer;
    },
    forget(key) {
      if (key === undefined) kept.clear();
      else kept.delete(key);
    },
  };
}
