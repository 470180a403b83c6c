import type { EarlyTermination } from "../../contract/sweeps.ts";
import { bitsAt } from "./random.ts";

/** Evaluations of one trial; who came through this many may go on to its end. */
const EVALUATIONS_LIMIT = 1000;
/** Values remembered at one evaluation, and in all: beyond that, a fair sample of them. */
const VALUES_LIMIT = 400;
const MEMORY_LIMIT = 40_000;
const DIGITS = 7;
const SALT = 0x57a7;

/** What trials had reached at one evaluation. */
interface Level {
  /** How many trials came that far. */
  readonly count: number;
  /** Bandit: the best value. Else a value of each trial, or of a sample of them. */
  readonly values: readonly number[];
}

/** What a policy knows, of trials that ended too; JSON. */
export interface StopperMemory {
  /** By number of the evaluation, from 0. */
  readonly levels: readonly Level[];
  /** Evaluations each open trial has had. */
  readonly done: Readonly<Record<string, number>>;
}

export const NO_MEMORY: StopperMemory = { levels: [], done: {} };

/** A trial that is to be stopped, and why. */
export interface Stop {
  readonly trial: string;
  readonly reason: string;
}

export interface Policy {
  readonly stopper: EarlyTermination;
  readonly goal: "minimize" | "maximize";
  readonly metric: string;
}

/**
 * Looks at open trials. Each value of the primary metric that a trial logs is one interval; a trial is judged at every multiple of
 * `evaluation_interval` from `delay_evaluation` on, against what all trials had reached when they had come as far, also those that have ended.
 * @param series of each open trial, the metric's values in the order they were logged
 */
export function judge(
  policy: Policy,
  memory: StopperMemory,
  series: Readonly<Record<string, readonly number[]>>,
): { readonly memory: StopperMemory; readonly stops: readonly Stop[] } {
  const trials = Object.entries(series).map(([trial, values]) => new Track(policy, trial, values));
  const next = remember(policy, memory, trials);
  const stops: Stop[] = [];
  for (const track of trials) {
    for (let at = memory.done[track.trial] ?? 0; at < track.evaluations; at++) {
      const reason = verdict(policy, next.levels[at], track, at, trials);
      if (reason === undefined) continue;
      stops.push({ trial: track.trial, reason });
      break;
    }
  }
  return { memory: next, stops };
}

/** A trial has ended: what it logged counts for others; it is judged no more. */
export function forget(
  policy: Policy,
  memory: StopperMemory,
  trial: string,
  values: readonly number[] | undefined,
): StopperMemory {
  const known = values === undefined ? memory : remember(policy, memory, [new Track(policy, trial, values)]);
  const { [trial]: _ended, ...done } = known.done;
  return { levels: known.levels, done };
}

/** What a trial logged, as far as evaluations need it. */
class Track {
  readonly trial: string;
  readonly evaluations: number;
  private readonly values: readonly number[];
  private readonly first: number;
  private readonly interval: number;
  private readonly better: (a: number, b: number) => boolean;
  private readonly bests: number[] = [];
  private readonly sums: number[] = [];

  constructor({ stopper, goal }: Policy, trial: string, values: readonly number[]) {
    this.trial = trial;
    // What diverged is worse than anything.
    const worst = goal === "maximize" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    this.values = values.map((value) => (Number.isFinite(value) ? value : worst));
    this.interval = Math.max(1, stopper.evaluation_interval ?? 1);
    const delay = Math.max(1, stopper.delay_evaluation ?? 0);
    this.first = Math.ceil(delay / this.interval) * this.interval;
    const reached = Math.floor((values.length - this.first) / this.interval) + 1;
    this.evaluations = Math.min(EVALUATIONS_LIMIT, Math.max(0, reached));
    this.better = isBetter(goal);
  }

  /** Values logged at an evaluation. */
  lengthAt(evaluation: number): number {
    return this.first + evaluation * this.interval;
  }

  bestAt(evaluation: number): number {
    this.fill();
    return rounded(this.bests[this.lengthAt(evaluation) - 1] ?? Number.NaN);
  }

  averageAt(evaluation: number): number {
    this.fill();
    const length = this.lengthAt(evaluation);
    return rounded((this.sums[length - 1] ?? Number.NaN) / length);
  }

  private fill(): void {
    if (this.bests.length === this.values.length) return;
    let best = this.values[0] ?? Number.NaN;
    let sum = 0;
    for (const value of this.values) {
      if (this.better(value, best)) best = value;
      sum += value;
      this.bests.push(best);
      this.sums.push(sum);
    }
  }
}

/** As it is remembered, so that a trial is never worse than itself. */
function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

function isBetter(goal: Policy["goal"]): (a: number, b: number) => boolean {
  return goal === "maximize" ? (a, b) => a > b : (a, b) => a < b;
}

/** The memory with what these trials have reached since they were last looked at. */
function remember(policy: Policy, memory: StopperMemory, trials: readonly Track[]): StopperMemory {
  const levels = [...memory.levels];
  const done = { ...memory.done };
  for (const track of trials) {
    for (let at = done[track.trial] ?? 0; at < track.evaluations; at++) {
      const value = policy.stopper.type === "median_stopping" ? track.averageAt(at) : track.bestAt(at);
      const level = levels[at] ?? { count: 0, values: [] };
      levels[at] = Number.isFinite(value) ? withValue(policy, level, at, value) : level;
    }
    if (track.evaluations > 0) done[track.trial] = Math.max(done[track.trial] ?? 0, track.evaluations);
  }
  const limit = Math.max(20, Math.min(VALUES_LIMIT, Math.floor(MEMORY_LIMIT / Math.max(1, levels.length))));
  return { levels: levels.map((level) => shortened(level, limit)), done };
}

function withValue({ stopper, goal }: Policy, level: Level, at: number, value: number): Level {
  const count = level.count + 1;
  if (stopper.type === "bandit") {
    const [best] = level.values;
    return { count, values: [best === undefined || isBetter(goal)(value, best) ? value : best] };
  }
  // Of open trials alone: they are all at hand when one is judged.
  if (stopper.type === "truncation_selection" && stopper.exclude_finished_jobs === true) return { count, values: [] };
  if (level.values.length === level.count) return { count, values: [...level.values, value] };
  // A place for the n-th of a fair sample of n.
  const place = bitsAt(SALT, at, count, SALT) % count;
  if (place >= level.values.length) return { count, values: level.values };
  return { count, values: level.values.with(place, value) };
}

function shortened(level: Level, limit: number): Level {
  return level.values.length <= limit ? level : { count: level.count, values: level.values.slice(0, limit) };
}

/** Why a trial is to be stopped at an evaluation; undefined where it goes on. */
function verdict(
  { stopper, goal, metric }: Policy,
  level: Level | undefined,
  track: Track,
  at: number,
  open: readonly Track[],
): string | undefined {
  const better = isBetter(goal);
  const own = track.bestAt(at);
  const values = level?.values ?? [];
  const said = `its best \`${metric}\` of ${track.lengthAt(at)} logged, ${shown(own)},`;
  switch (stopper.type) {
    case "bandit": {
      const best = values[0] ?? own;
      const allowed = allowedBy(stopper, goal, best);
      if (!better(allowed, own)) return undefined;
      return `${said} is not within ${shown(allowed)}, the slack of the best trial's ${shown(best)} (bandit)`;
    }
    case "median_stopping": {
      const middle = medianOf(values);
      if (!better(middle, own)) return undefined;
      return `${said} is worse than ${shown(middle)}, the median of the trials' averages (median stopping)`;
    }
    case "truncation_selection": {
      const others = stopper.exclude_finished_jobs
        ? open.filter(({ evaluations }) => evaluations > at).map((one) => one.bestAt(at))
        : values;
      const cut = Math.floor((others.length * stopper.truncation_percentage) / 100);
      const ahead = others.filter((other) => better(other, own)).length;
      if (cut === 0 || ahead < others.length - cut) return undefined;
      return `${said} is among the lowest ${stopper.truncation_percentage} % of ${others.length} trials (truncation selection)`;
    }
  }
}

/** The worst value that still passes. A ratio is a step away from the best, also where that is negative. */
function allowedBy(
  { slack_factor, slack_amount = 0 }: Extract<EarlyTermination, { type: "bandit" }>,
  goal: Policy["goal"],
  best: number,
): number {
  if (slack_factor === undefined) return goal === "maximize" ? best - slack_amount : best + slack_amount;
  return (goal === "maximize") === best >= 0 ? best / (1 + slack_factor) : best * (1 + slack_factor);
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[(sorted.length >> 1) - 1] ?? upper) + upper) / 2;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}
