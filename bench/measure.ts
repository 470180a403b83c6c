/** One thing measured, by variant; `ours` is compared with every other. */
export interface Bench {
  readonly name: string;
  /** What the figures are, with their unit: `ms from command to first line`. */
  readonly unit: string;
  readonly rounds: number;
  /** Prepares once, answers the variants and how to clean up. */
  prepare(): Promise<{
    readonly variants: Readonly<Record<string, () => Promise<number>>>;
    readonly notes?: readonly string[];
    cleanup(): Promise<void>;
  }>;
  /** What the issue asks for, as a sentence; printed beside the figures. */
  readonly target: string;
}

export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly target: string;
  readonly notes: readonly string[];
  readonly medians: Readonly<Record<string, number>>;
  readonly raw: Readonly<Record<string, readonly number[]>>;
}

/** Runs every variant once a round, in turn, the order flipped each round, so that a drifting machine hurts all alike. */
export async function measure(bench: Bench): Promise<Result> {
  const { variants, notes = [], cleanup } = await bench.prepare();
  const raw: Record<string, number[]> = {};
  try {
    for (let round = 0; round < bench.rounds; round++) {
      const order = Object.entries(variants);
      if (round % 2 === 1) order.reverse();
      for (const [name, run] of order) {
        raw[name] ??= [];
        raw[name].push(await run());
      }
    }
  } finally {
    await cleanup();
  }
  const medians = Object.fromEntries(Object.entries(raw).map(([name, values]) => [name, median(values)]));
  return { name: bench.name, unit: bench.unit, target: bench.target, notes, medians, raw };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Text for a person: each variant's median, and ours as a ratio to it. */
export function report(result: Result): string {
  const ours = result.medians.ours ?? Number.NaN;
  const rows = Object.entries(result.medians).map(([name, value]) => {
    const ratio = name === "ours" ? "" : `ours is ${(ours / value).toFixed(2)} x of it`;
    return `  ${name.padEnd(34)} ${value.toFixed(1).padStart(10)}   ${ratio}`;
  });
  return [
    `${result.name} (${result.unit}; median of ${result.raw.ours?.length ?? 0})`,
    ...rows,
    `  target: ${result.target}`,
    ...result.notes.map((note) => `  note: ${note}`),
  ].join("\n");
}
