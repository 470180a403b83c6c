import type { Clock } from "../../core/ports/clock.ts";

/** The machine's clock. */
export function makeClock(): Clock {
  return { now: () => Date.now() };
}
