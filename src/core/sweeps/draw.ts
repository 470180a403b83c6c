import { quantileOf } from "./distributions.ts";
import { uniformAt } from "./random.ts";
import { SOBOL_DIMENSIONS, sobolAt } from "./sobol.ts";
import { fillSlots, type Point, type Slot } from "./space.ts";

/** A point whose slots lie at these shares of their distributions. */
export function pointAt(slots: readonly Slot[], shareOf: (slot: number) => number, logBase?: number): Point {
  return fillSlots(slots, (slot, at) => valueAt(slot, shareOf(at), logBase));
}

/** Value of a slot below which a share of what it can be lies. */
export function valueAt({ draw }: Slot, share: number, logBase?: number): number {
  if (draw.type === "choice") return Math.min(draw.options - 1, Math.floor(share * draw.options));
  return quantileOf(draw, share, logBase);
}

/** The point of a trial that depends on nothing but its index. Beyond the Sobol sequence's dimensions slots are drawn at random. */
export function drawPoint(
  slots: readonly Slot[],
  sampling: { readonly rule: "random" | "sobol"; readonly seed: number; readonly logBase?: number },
  index: number,
): Point {
  const { rule, seed, logBase } = sampling;
  const isSobol = (slot: number) => rule === "sobol" && slot < SOBOL_DIMENSIONS;
  return pointAt(slots, (slot) => (isSobol(slot) ? sobolAt(seed, index, slot) : uniformAt(seed, index, slot)), logBase);
}
