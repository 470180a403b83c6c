import { bitsAt } from "./random.ts";

/**
 * Primitive polynomials (degree, inner coefficients) and first direction numbers of dimensions 2 to 21, as published by
 * S. Joe and F. Y. Kuo ("Constructing Sobol sequences with better two-dimensional projections", 2008).
 */
const DIMENSIONS: readonly (readonly [degree: number, coefficients: number, first: readonly number[]])[] = [
  [1, 0, [1]],
  [2, 1, [1, 3]],
  [3, 1, [1, 3, 1]],
  [3, 2, [1, 1, 1]],
  [4, 1, [1, 1, 3, 3]],
  [4, 4, [1, 3, 5, 13]],
  [5, 2, [1, 1, 5, 5, 17]],
  [5, 4, [1, 1, 5, 5, 5]],
  [5, 7, [1, 1, 7, 11, 19]],
  [5, 11, [1, 1, 5, 1, 1]],
  [5, 13, [1, 1, 1, 3, 11]],
  [5, 14, [1, 3, 5, 5, 31]],
  [6, 1, [1, 3, 3, 9, 7, 49]],
  [6, 13, [1, 1, 1, 15, 21, 21]],
  [6, 16, [1, 3, 1, 13, 27, 49]],
  [6, 19, [1, 1, 1, 15, 7, 5]],
  [6, 22, [1, 3, 1, 15, 13, 25]],
  [6, 25, [1, 1, 5, 5, 19, 61]],
  [7, 1, [1, 3, 7, 11, 23, 15, 103]],
  [7, 4, [1, 3, 7, 13, 13, 15, 69]],
];
/** Dimensions that have direction numbers. */
export const SOBOL_DIMENSIONS = DIMENSIONS.length + 1;

const BITS = 32;
const SCRAMBLE = 0x51ab5e11;
const FINER = 0x2f0b4c47;
const known = new Map<number, Uint32Array>();

/**
 * Coordinate of a point of the Sobol sequence, between 0 and 1, both excluded; scrambled by the seed (Owen's way), which keeps that every
 * 2^k points fill every 2^k-th part of a dimension once.
 * @param index of the point, from 0
 * @param dimension from 0, below SOBOL_DIMENSIONS
 */
export function sobolAt(seed: number, index: number, dimension: number): number {
  const directions = directionsOf(dimension);
  let bits = 0;
  for (let bit = 0, rest = index; rest > 0; bit++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) bits ^= directions[bit] ?? 0;
  }
  const scrambled = scramble(bits, bitsAt(seed, dimension, 0, SCRAMBLE));
  // What is below a part of 2^32 is any value.
  return (scrambled * 2 ** 21 + (bitsAt(seed, index, dimension, FINER) >>> 11) + 0.5) / 2 ** 53;
}

function directionsOf(dimension: number): Uint32Array {
  const before = known.get(dimension);
  if (before !== undefined) return before;
  const made = new Uint32Array(BITS);
  if (dimension === 0) for (let bit = 0; bit < BITS; bit++) made[bit] = 2 ** (BITS - 1 - bit);
  else fillDirections(made, DIMENSIONS[dimension - 1]);
  known.set(dimension, made);
  return made;
}

function fillDirections(made: Uint32Array, dimension: (typeof DIMENSIONS)[number] | undefined): void {
  if (dimension === undefined) throw new RangeError(`the Sobol sequence has ${SOBOL_DIMENSIONS} dimensions here`);
  const [degree, coefficients, first] = dimension;
  for (const [bit, number] of first.entries()) made[bit] = number * 2 ** (BITS - 1 - bit);
  for (let bit = degree; bit < BITS; bit++) {
    const earlier = made[bit - degree] ?? 0;
    let next = earlier ^ (earlier >>> degree);
    for (let k = 1; k < degree; k++) {
      if ((coefficients >>> (degree - 1 - k)) & 1) next ^= made[bit - k] ?? 0;
    }
    made[bit] = next;
  }
}

/** Each bit is turned or not, depending on the seed and the bits above it. */
function scramble(bits: number, seed: number): number {
  let kept = 0;
  for (let bit = BITS - 1; bit >= 0; bit--) {
    const above = bit === BITS - 1 ? 0 : bits >>> (bit + 1);
    const turned = bitsAt(seed, above, bit, SCRAMBLE) & 1;
    kept |= (((bits >>> bit) & 1) ^ turned) << bit;
  }
  return kept >>> 0;
}
