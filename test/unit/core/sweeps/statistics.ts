/** Largest distance between the share of draws below a value and what it should be (Kolmogorov and Smirnov), times the root of their number. */
export function distance(draws: readonly number[], shareBelow: (value: number) => number): number {
  const sorted = [...draws].sort((a, b) => a - b);
  const gaps = sorted.map((value, i) => {
    const share = shareBelow(value);
    return Math.max(Math.abs(share - i / sorted.length), Math.abs(share - (i + 1) / sorted.length));
  });
  return Math.max(...gaps) * Math.sqrt(sorted.length);
}

/** Below this with a chance of 999 in 1000, where the draws are of the distribution. */
export const LIKELY = 1.95;

/** Share of the standard normal distribution below z, by Simpson's rule. */
export function normalShare(z: number): number {
  const steps = 2000;
  const width = z / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const factor = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += factor * Math.exp(-0.5 * (i * width) ** 2);
  }
  return 0.5 + (sum * width) / 3 / Math.sqrt(2 * Math.PI);
}

/** Pearson's sum over counts, less its mean and in parts of its deviation: below 4 where the counts are as expected. */
export function excess(counts: readonly number[], shares: readonly number[]): number {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const cells = shares.flatMap((share, i) =>
    share * all >= 5 ? [{ seen: counts[i] ?? 0, expected: share * all }] : [],
  );
  const sum = cells.reduce((total, { seen, expected }) => total + (seen - expected) ** 2 / expected, 0);
  const freedom = Math.max(1, cells.length - 1);
  return (sum - freedom) / Math.sqrt(2 * freedom);
}
