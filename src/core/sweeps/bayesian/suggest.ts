import { pointAt, valueAt } from "../draw.ts";
import { normalQuantile } from "../normal.ts";
import { SOBOL_DIMENSIONS, sobolAt } from "../sobol.ts";
import { fillSlots, type Point, type Slot } from "../space.ts";
import { type Place, placeOf } from "./encode.ts";
import { fitShape } from "./fit.ts";
import { logImprovement, stream } from "./improve.ts";
import { Process, type Seen } from "./process.ts";

/** A trial that was begun: its point, and its metric to be made small, once it has one. A failed trial has `failed`. */
export interface Tried {
  readonly point: Point;
  readonly value?: number;
  readonly failed?: true;
}

const FIRST_TRIALS = 8;
const MOST_SEEN = 200;
const WIDE = 600;
const NEAR = 300;
const CLIMBERS = 4;
const CLIMB_STEPS = 60;
const DIGITS = 10;
const SALT = 0x6b43;

/**
 * The point to try next: the first ones fill the space evenly, later ones promise the most improvement (expected improvement over a
 * Gaussian process, Matérn 5/2, a length for each parameter). Trials under way count as if they came out as expected.
 */
export function suggestPoint(slots: readonly Slot[], seed: number, index: number, tried: readonly Tried[]): Point {
  const valued = tried.filter(({ value }) => value !== undefined);
  if (slots.length === 0 || index < FIRST_TRIALS || valued.length < 2)
    return tidy(slots, evenPoint(slots, seed, index));
  const choices = slots.map(({ draw }) => draw.type === "choice");
  const seen = seenOf(slots, choices, tried);
  const shape = fitShape(seen);
  const process = withPending(slots, tried, seen, shape);
  return tidy(slots, bestPoint(slots, process, seen, stream(seed, index, SALT), tried));
}

/** Numbers are kept with the state for each trial, and need not be exact to the last bit. */
function tidy(slots: readonly Slot[], point: Point): Point {
  return point.map((value, at) => {
    const type = slots[at]?.draw.type;
    const isExact = value === undefined || type === "choice" || type === "randint" || type?.startsWith("q");
    return isExact ? value : Number(value.toPrecision(DIGITS));
  });
}

function evenPoint(slots: readonly Slot[], seed: number, index: number): Point {
  const random = stream(seed, index, 0);
  return pointAt(slots, (slot) => (slot < SOBOL_DIMENSIONS ? sobolAt(seed, index, slot) : random()));
}

/** The best and the latest of what has ended, values warped to the normal distribution's; failed trials count as the worst. */
function seenOf(slots: readonly Slot[], choices: readonly boolean[], tried: readonly Tried[]): Seen {
  const ended = tried.filter(({ value, failed }) => value !== undefined || failed === true);
  const worst = Math.max(...ended.flatMap(({ value }) => (value === undefined ? [] : [value])));
  const all = ended.map(({ point, value }) => ({ point, value: value ?? worst }));
  const kept = mostTelling(all);
  return {
    places: kept.map(({ point }) => placeOf(slots, point)),
    values: warped(kept.map(({ value }) => value)),
    choices,
  };
}

function mostTelling<T extends { readonly value: number }>(all: readonly T[]): readonly T[] {
  if (all.length <= MOST_SEEN) return all;
  const latest = new Set(all.slice(-MOST_SEEN / 2));
  const best = all.filter((one) => !latest.has(one)).sort((a, b) => a.value - b.value);
  return [...best.slice(0, MOST_SEEN / 2), ...latest];
}

/** Mean 0, deviation 1, and what is far above the middle drawn in, as one bad trial would flatten all others. */
function warped(values: readonly number[]): Float64Array {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[0] ?? 0;
  const middle = sorted[sorted.length >> 1] ?? 0;
  const unit = Math.max(middle - low, 1e-12 * Math.max(1, Math.abs(low)));
  const drawn = Float64Array.from(values, (value) => Math.log1p((value - low) / unit));
  return standardized(drawn);
}

function standardized(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const deviation = Math.sqrt(square) || 1;
  return values.map((value) => (value - mean) / deviation);
}

function withPending(
  slots: readonly Slot[],
  tried: readonly Tried[],
  seen: Seen,
  shape: ReturnType<typeof fitShape>,
): Process {
  const alone = new Process(seen, shape);
  const pending = tried.filter(({ value, failed }) => value === undefined && failed !== true);
  if (pending.length === 0) return alone;
  const places = pending.map(({ point }) => placeOf(slots, point));
  const values = Float64Array.from([...seen.values, ...places.map((place) => alone.at(place).mean)]);
  return new Process({ ...seen, places: [...seen.places, ...places], values }, shape);
}

interface Candidate {
  readonly point: Point;
  readonly place: Place;
  readonly score: number;
}

function bestPoint(
  slots: readonly Slot[],
  process: Process,
  seen: Seen,
  random: () => number,
  tried: readonly Tried[],
): Point {
  const best = Math.min(...seen.values);
  const known = new Set(tried.map(({ point }) => point.join()));
  const judge = (point: Point): Candidate => {
    const place = placeOf(slots, point);
    const { mean, deviation } = process.at(place);
    return { point, place, score: logImprovement(mean, deviation, best) - (known.has(point.join()) ? 1e6 : 0) };
  };
  const order = [...seen.values.keys()].sort((a, b) => (seen.values[a] ?? 0) - (seen.values[b] ?? 0));
  const candidates: Candidate[] = [];
  for (let i = 0; i < WIDE; i++) candidates.push(judge(pointAt(slots, random)));
  for (let i = 0; i < NEAR; i++) {
    const from = seen.places[order[i % Math.min(5, order.length)] ?? 0];
    if (from !== undefined) candidates.push(judge(nearTo(slots, from, 0.5 ** (1 + (i % 6)), random)));
  }
  candidates.sort((a, b) => b.score - a.score);
  const climbed = candidates.slice(0, CLIMBERS).map((start) => climb(slots, start, judge, random));
  return climbed.reduce((a, b) => (b.score > a.score ? b : a)).point;
}

function climb(
  slots: readonly Slot[],
  start: Candidate,
  judge: (point: Point) => Candidate,
  random: () => number,
): Candidate {
  let best = start;
  let reach = 0.1;
  for (let step = 0; step < CLIMB_STEPS; step++) {
    const next = judge(nearTo(slots, best.place, reach, random));
    if (next.score > best.score) {
      best = next;
      reach = Math.min(0.3, reach * 1.5);
    } else reach = Math.max(1e-4, reach * 0.9);
  }
  return best;
}

/** A point nearby: some of its slots moved, at least one. */
function nearTo(slots: readonly Slot[], from: Place, reach: number, random: () => number): Point {
  const certain = Math.floor(random() * slots.length);
  return fillSlots(slots, (slot, at) => {
    const here = from[at] ?? 0;
    const moves = at === certain || random() < 0.5;
    if (slot.draw.type === "choice") {
      return here >= 0 && (!moves || random() > reach + 1 / slots.length) ? here : valueAt(slot, random());
    }
    const share = moves ? here + reach * normalQuantile(random()) : here;
    const mirrored = Math.abs(share) % 2;
    return valueAt(slot, Math.min(1 - 1e-12, Math.max(1e-12, mirrored > 1 ? 2 - mirrored : mirrored)));
  });
}
