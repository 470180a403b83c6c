import { shareBelow } from "../distributions.ts";
import type { Point, Slot } from "../space.ts";

/**
 * A point as a place in the unit cube: of a number the share of its distribution below it, so that logarithmic ones are even; of a choice
 * its option's number. Slots that do not exist lie in the middle, so that they tell two places apart by nothing of their own.
 */
export type Place = Float64Array;

const ABSENT = 0.5;

export function placeOf(slots: readonly Slot[], point: Point): Place {
  return Float64Array.from(slots, ({ draw }, at) => {
    const value = point[at];
    if (value === undefined) return draw.type === "choice" ? -1 : ABSENT;
    return draw.type === "choice" ? value : shareBelow(draw, value);
  });
}
