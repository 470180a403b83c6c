import type { NumberParameter } from "../../contract/sweeps.ts";
import { normalCdf, normalQuantile } from "./normal.ts";

/** Significant digits that survive `round(x / q) * q`. */
const QUANTUM_DIGITS = 15;

/**
 * Value below which a share `u` (between 0 and 1, both excluded) of the distribution lies, after Azure ML's definitions.
 * @param base what logarithmic distributions are powers of
 */
export function quantileOf(parameter: NumberParameter, u: number, base = Math.E): number {
  switch (parameter.type) {
    case "randint":
      return Math.min(parameter.upper - 1, Math.floor(u * parameter.upper));
    case "uniform":
    case "normal":
      return spread(parameter, u);
    case "loguniform":
    case "lognormal":
      return power(base, spread(parameter, u));
    case "quniform":
    case "qnormal":
      return toQuantum(spread(parameter, u), parameter.q);
    case "qloguniform":
    case "qlognormal":
      return toQuantum(power(base, spread(parameter, u)), parameter.q);
  }
}

/** Share of the distribution below a value: what `quantileOf` undoes. A whole step of a stepped distribution has the share of its middle. */
export function shareBelow(parameter: NumberParameter, value: number, base = Math.E): number {
  if (parameter.type === "randint") return (value + 0.5) / parameter.upper;
  const logarithmic = parameter.type.includes("log");
  // Where a quantum below the first is 0, its logarithm is that of the middle of what is rounded to it.
  const positive = Math.max(value, "q" in parameter ? parameter.q / 4 : Number.MIN_VALUE);
  const position = logarithmic ? Math.log(positive) / Math.log(base) : value;
  if ("mu" in parameter) return parameter.sigma === 0 ? 0.5 : normalCdf((position - parameter.mu) / parameter.sigma);
  const width = parameter.max_value - parameter.min_value;
  return width <= 0 ? 0.5 : Math.min(1, Math.max(0, (position - parameter.min_value) / width));
}

type Spread =
  | { readonly min_value: number; readonly max_value: number }
  | { readonly mu: number; readonly sigma: number };

function spread(parameter: Spread, u: number): number {
  if ("mu" in parameter) return parameter.mu + parameter.sigma * normalQuantile(u);
  return parameter.min_value + u * (parameter.max_value - parameter.min_value);
}

function power(base: number, exponent: number): number {
  return base === Math.E ? Math.exp(exponent) : base ** exponent;
}

function toQuantum(value: number, q: number): number {
  return Number((Math.round(value / q) * q).toPrecision(QUANTUM_DIGITS));
}

/** Shortest text that reads as the same number, in any language; whole numbers have no point. */
export function textOfNumber(value: number): string {
  return Object.is(value, -0) ? "0" : String(value);
}
