import { cholesky, type Matrix, solveLower, solveUpper } from "./cholesky.ts";
import type { Place } from "./encode.ts";
import { covariance, type Shape } from "./kernel.ts";

/** What was seen: places, and a value at each. */
export interface Seen {
  readonly places: readonly Place[];
  readonly values: Float64Array;
  /** Which dimensions are choices. */
  readonly choices: readonly boolean[];
}

/** A Gaussian process that has seen some values. */
export class Process {
  private readonly seen: Seen;
  private readonly shape: Shape;
  private readonly factor: Matrix;
  private readonly weights: Float64Array;

  constructor(seen: Seen, shape: Shape) {
    this.seen = seen;
    this.shape = shape;
    const size = seen.places.length;
    this.factor = factorOf(seen, shape);
    this.weights = solveUpper(this.factor, size, solveLower(this.factor, size, seen.values));
  }

  /** What the function's value at a place is likely to be. */
  at(place: Place): { readonly mean: number; readonly deviation: number } {
    const { places, choices } = this.seen;
    const near = Float64Array.from(places, (other) => covariance(place, other, choices, this.shape));
    let mean = 0;
    for (let i = 0; i < near.length; i++) mean += (near[i] ?? 0) * (this.weights[i] ?? 0);
    const solved = solveLower(this.factor, near.length, near);
    let explained = 0;
    for (const part of solved) explained += part * part;
    return { mean, deviation: Math.sqrt(Math.max(1e-18, this.shape.signal - explained)) };
  }
}

function factorOf(seen: Seen, shape: Shape): Matrix {
  // Places that are all but equal make the matrix all but singular; a little more noise mends that.
  for (let noise = shape.noise; ; noise = noise * 10 + 1e-10) {
    const factor = cholesky(covariances(seen, { ...shape, noise }), seen.places.length);
    if (factor !== undefined) return factor;
  }
}

export function covariances({ places, choices }: Seen, shape: Shape): Matrix {
  const size = places.length;
  const matrix = new Float64Array(size * size);
  for (const [i, a] of places.entries()) {
    for (let j = 0; j < i; j++) {
      const b = places[j];
      if (b === undefined) continue;
      const value = covariance(a, b, choices, shape);
      matrix[i * size + j] = value;
      matrix[j * size + i] = value;
    }
    matrix[i * size + i] = shape.signal + shape.noise;
  }
  return matrix;
}
