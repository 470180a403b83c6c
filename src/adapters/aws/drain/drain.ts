/** Takes one kind of thing away that the home made at run time. */
export interface Drainer {
  /** One step on: begins what can begin now. Answers what is still there, by name; may be called again at any time. */
  step(): Promise<readonly string[]>;
}

export interface DrainOptions {
  readonly drainers: readonly Drainer[];
  /** Time left, in milliseconds. */
  readonly leftMs: () => number;
  /** Between two steps. @default 2 seconds */
  readonly pauseMs?: number;
}

/** Rest of the time that is needed to answer. */
const SPARE_MS = 20_000;

/** Steps until nothing is left. Throws with the names of what is, when the time is over: what began goes on, and another call finds less. */
export async function drain({ drainers, leftMs, pauseMs = 2000 }: DrainOptions): Promise<void> {
  for (;;) {
    const left = (await Promise.all(drainers.map((each) => each.step()))).flat();
    if (left.length === 0) return;
    if (leftMs() < SPARE_MS + pauseMs) {
      throw new Error(`still going away: ${left.join(", ")}; \`cdk destroy\` again in a few minutes`);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
