import { normalCdf, normalPdf } from "../normal.ts";
import { bitsAt, uniformAt } from "../random.ts";

/** By how much a value that is likely to be `mean` lies below `best`, on average: as a logarithm, so that hopeless places still differ. */
export function logImprovement(mean: number, deviation: number, best: number): number {
  const z = (best - mean) / deviation;
  if (z > -25) {
    const expected = z * normalCdf(z) + normalPdf(z);
    if (expected > 0) return Math.log(deviation) + Math.log(expected);
  }
  // Far out the density and the square of the distance are all that is left.
  return Math.log(deviation) - 0.5 * z * z - 2 * Math.log(-z) - 0.919;
}

/** Numbers in order, between 0 and 1, that belong to a seed and two more numbers. */
export function stream(seed: number, first: number, second: number): () => number {
  const own = bitsAt(seed, first, second, 0x3c6ef372);
  let drawn = 0;
  return () => uniformAt(own, first, drawn++);
}
