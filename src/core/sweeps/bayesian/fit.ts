import { cholesky, inverse, logDeterminant, solveLower, solveUpper } from "./cholesky.ts";
import { gapOf, maternSlope, type Shape } from "./kernel.ts";
import { covariances, type Seen } from "./process.ts";

/** Logarithms of lengths, then of signal and noise: what is fitted. */
type Logs = Float64Array;

const STEPS = 60;
const LOWEST = Math.log(1e-7);

/** What is held to be likely before anything is seen: normal distributions of the logarithms. */
interface Belief {
  readonly mean: number;
  readonly deviation: number;
}
const SIGNAL: Belief = { mean: 0, deviation: 1 };
const NOISE: Belief = { mean: Math.log(1e-5), deviation: 2 };

/** More dimensions make places lie farther apart, so that lengths are longer. */
function lengthBelief(dimensions: number): Belief {
  return { mean: Math.log(0.4) + 0.5 * Math.log(dimensions), deviation: 1 };
}

/** The shape that is likeliest, given what was seen. */
export function fitShape(seen: Seen): Shape {
  const dimensions = seen.choices.length;
  const beliefs = [...seen.choices.map(() => lengthBelief(dimensions)), SIGNAL, NOISE];
  let best: { readonly logs: Logs; readonly score: number } | undefined;
  for (const shift of [0, -1]) {
    const start = Float64Array.from(beliefs, ({ mean }, at) => (at < dimensions ? mean + shift : mean));
    const climbed = climb(seen, beliefs, start);
    if (best === undefined || climbed.score > best.score) best = climbed;
  }
  return shapeOf(best?.logs ?? new Float64Array(dimensions + 2));
}

function shapeOf(logs: Logs): Shape {
  const dimensions = logs.length - 2;
  return {
    lengths: logs.slice(0, dimensions).map(Math.exp),
    signal: Math.exp(logs[dimensions] ?? 0),
    noise: Math.exp(logs[dimensions + 1] ?? LOWEST),
  };
}

/** Steps along the signs of the slope, which grow while a sign stays and shrink where it turns (Rprop). */
function climb(seen: Seen, beliefs: readonly Belief[], start: Logs): { readonly logs: Logs; readonly score: number } {
  const logs = start.slice();
  const sizes = new Float64Array(logs.length).fill(0.1);
  const before = new Float64Array(logs.length);
  let best = { logs: start, score: Number.NEGATIVE_INFINITY };
  for (let step = 0; step < STEPS; step++) {
    const found = scoreOf(seen, beliefs, logs);
    if (found === undefined) break;
    if (found.score > best.score) best = { logs: logs.slice(), score: found.score };
    for (let i = 0; i < logs.length; i++) {
      const slope = found.slopes[i] ?? 0;
      const turned = slope * (before[i] ?? 0) < 0;
      sizes[i] = Math.min(1, Math.max(1e-4, (sizes[i] ?? 0) * (turned ? 0.5 : 1.2)));
      before[i] = turned ? 0 : slope;
      if (!turned) logs[i] = Math.max(LOWEST, Math.min(8, (logs[i] ?? 0) + Math.sign(slope) * (sizes[i] ?? 0)));
    }
    if (Math.max(...sizes) < 1e-3) break;
  }
  return best;
}

/** Logarithm of how likely the values are, times how likely the shape is; with its slopes. */
function scoreOf(
  seen: Seen,
  beliefs: readonly Belief[],
  logs: Logs,
): { readonly score: number; readonly slopes: Float64Array } | undefined {
  const size = seen.places.length;
  const shape = shapeOf(logs);
  const matrix = covariances(seen, shape);
  const factor = cholesky(matrix, size);
  if (factor === undefined) return undefined;
  const half = solveLower(factor, size, seen.values);
  const weights = solveUpper(factor, size, half);
  let score = -0.5 * logDeterminant(factor, size);
  for (const part of half) score -= 0.5 * part * part;
  const slopes = slopesOf(seen, shape, matrix, weights, inverse(factor, size));
  for (const [i, { mean, deviation }] of beliefs.entries()) {
    const away = ((logs[i] ?? 0) - mean) / deviation;
    score -= 0.5 * away * away;
    slopes[i] = (slopes[i] ?? 0) - away / deviation;
  }
  return { score, slopes };
}

/** Half the trace of (w wᵀ - K⁻¹) times the derivative of K, for each logarithm. */
function slopesOf(
  { places, choices }: Seen,
  shape: Shape,
  matrix: Float64Array,
  weights: Float64Array,
  inverted: Float64Array,
): Float64Array {
  const size = places.length;
  const dimensions = choices.length;
  const slopes = new Float64Array(dimensions + 2);
  const scaled = new Float64Array(dimensions);
  for (const [i, a] of places.entries()) {
    const own = (weights[i] ?? 0) ** 2 - (inverted[i * size + i] ?? 0);
    slopes[dimensions] = (slopes[dimensions] ?? 0) + 0.5 * own * shape.signal;
    slopes[dimensions + 1] = (slopes[dimensions + 1] ?? 0) + 0.5 * own * shape.noise;
    for (let j = 0; j < i; j++) {
      const b = places[j];
      if (b === undefined) continue;
      const pull = (weights[i] ?? 0) * (weights[j] ?? 0) - (inverted[i * size + j] ?? 0);
      let squared = 0;
      for (let d = 0; d < dimensions; d++) {
        scaled[d] = gapOf(a, b, d, choices[d] ?? false) / (shape.lengths[d] ?? 1) ** 2;
        squared += scaled[d] ?? 0;
      }
      const steep = pull * shape.signal * maternSlope(squared) * -2;
      for (let d = 0; d < dimensions; d++) slopes[d] = (slopes[d] ?? 0) + steep * (scaled[d] ?? 0);
      slopes[dimensions] = (slopes[dimensions] ?? 0) + pull * (matrix[i * size + j] ?? 0);
    }
  }
  return slopes;
}
