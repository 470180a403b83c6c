import type { Place } from "./encode.ts";

/** What a Gaussian process supposes of a function: how far it is alike along each dimension, how large it is, how exact its values are. */
export interface Shape {
  /** One a dimension, in parts of the unit cube. */
  readonly lengths: Float64Array;
  readonly signal: number;
  readonly noise: number;
}

const ROOT5 = Math.sqrt(5);

/** Squared difference of two places in one dimension; options of a choice are all equally far apart. */
export function gapOf(a: Place, b: Place, dimension: number, isChoice: boolean): number {
  const difference = (a[dimension] ?? 0) - (b[dimension] ?? 0);
  if (isChoice) return difference === 0 ? 0 : 1;
  return difference * difference;
}

/** Matérn's covariance (5/2) at a squared scaled distance, without its factor. */
export function matern(squared: number): number {
  const scaled = ROOT5 * Math.sqrt(squared);
  return (1 + scaled + (scaled * scaled) / 3) * Math.exp(-scaled);
}

/** Its derivative by the squared distance. */
export function maternSlope(squared: number): number {
  const scaled = ROOT5 * Math.sqrt(squared);
  return (-5 / 6) * (1 + scaled) * Math.exp(-scaled);
}

export function covariance(a: Place, b: Place, choices: readonly boolean[], shape: Shape): number {
  let squared = 0;
  for (let d = 0; d < a.length; d++) {
    const length = shape.lengths[d] ?? 1;
    squared += gapOf(a, b, d, choices[d] ?? false) / (length * length);
  }
  return shape.signal * matern(squared);
}
