import type { ChildOrder, CompositeEvent, Effect, Machine } from "../coordinator/machine.ts";
import type { Tried } from "./bayesian/suggest.ts";
import { endOf } from "./outcome.ts";
import type { SweepPlan } from "./plan.ts";
import type { Point } from "./space.ts";
import { countOf, isOpen, type Mark, openCount, openTrials, type SweepState, withMark } from "./state.ts";
import { forget, judge, NO_MEMORY } from "./stoppers.ts";
import { isGivenByIndex, pointOf, textOf, trialCount } from "./trials.ts";

/** What of the plan trials are made from. */
export const TRIAL_NODE = "trial";

/** As Azure has it: when the first trials to end have all failed, the others are not worth their money. */
const FIRST_FAILURES = 3;
/** Trials are looked at every 20th part of the time that the sweep has taken, within these. */
const LOOK_PART = 20;
const SHORTEST_LOOK_MS = 2000;
const LONGEST_LOOK_MS = 30_000;
/** No timer has to wait for longer. */
const IDLE_LOOK_MS = 3_600_000;
const REASON_CHARS = 300;

type EventOf<Kind extends CompositeEvent["kind"]> = Extract<CompositeEvent, { kind: Kind }>;

/** A sweep: trials in order of their index, as many at once as the plan says; children's keys are the indexes. */
export const sweepMachine: Machine<SweepPlan, SweepState> = {
  start: () => ({ phase: "new", marks: "", metrics: [] }),

  step(plan, state, event) {
    if (state.phase === "over") return { state, effects: [] };
    switch (event.kind) {
      case "begin":
        return state.phase === "new" ? begin(plan, state, event.atMs) : { state, effects: [] };
      case "ended":
        return ended(plan, state, event);
      case "refused":
        return ended(plan, state, { ...event, kind: "ended", status: "Failed" });
      case "looked":
        return looked(plan, state, event);
      case "cancel":
        return canceled(plan, state, event);
    }
  },

  open: (plan, state) => openTrials(state.marks).map((index) => orderOf(plan, state, index)),

  complete: (plan, state, { child }) => orderOf(plan, state, Number(child)),

  nextLook: ({ phase, lookMs }) => (phase === "running" ? lookMs : undefined),

  isOver: (state) => state.phase === "over",
};

type Step = ReturnType<typeof sweepMachine.step>;

function begin(plan: SweepPlan, state: SweepState, atMs: number): Step {
  const wave = nextWave(plan, { ...state, phase: "running", beganMs: atMs });
  return withLook(plan, wave.state, wave.effects, atMs);
}

/** Orders trials until as many are open as may be, or the sweep ends where none is left. */
function nextWave(plan: SweepPlan, before: SweepState): Step {
  let state = before;
  const children: ChildOrder[] = [];
  const total = trialCount(plan);
  let open = openCount(state.marks);
  while (state.phase === "running" && open < plan.together && state.marks.length < total) {
    const index = state.marks.length;
    if (!isGivenByIndex(plan)) state = { ...state, points: [...(state.points ?? []), drawn(plan, state, index)] };
    state = { ...state, marks: `${state.marks}o` };
    children.push(orderOf(plan, state, index));
    open++;
  }
  if (open > 0) return { state, effects: children.length > 0 ? [{ kind: "submit", children }] : [] };
  const end = endOf(plan, state);
  return { state: { ...state, phase: "over", end }, effects: [{ kind: "finish", ...end }] };
}

function drawn(plan: SweepPlan, state: SweepState, index: number): readonly (number | null)[] {
  return pointOf(plan, index, () => triedOf(plan, state)).map((value) => value ?? null);
}

function triedOf({ goal }: SweepPlan, { marks, metrics, points = [] }: SweepState): readonly Tried[] {
  return points.map((kept, index) => {
    const point = asPoint(kept);
    const metric = metrics[index] ?? undefined;
    if (metric !== undefined) return { point, value: goal === "minimize" ? metric : -metric };
    return isOpen(marks[index]) ? { point } : { point, failed: true };
  });
}

function asPoint(kept: readonly (number | null)[]): Point {
  return kept.map((value) => value ?? undefined);
}

/** A trial as it is ordered, however often. */
export function orderOf(plan: SweepPlan, { points }: Pick<SweepState, "points">, index: number): ChildOrder {
  const kept = points?.[index];
  const point = kept === undefined ? pointOf(plan, index, () => []) : asPoint(kept);
  return { child: String(index), node: TRIAL_NODE, parameters: textOf(plan, point) };
}

function indexOf(state: SweepState, child: string): number | undefined {
  const index = /^(?:0|[1-9]\d{0,8})$/.test(child) ? Number(child) : -1;
  return isOpen(state.marks[index]) ? index : undefined;
}

function ended(plan: SweepPlan, state: SweepState, event: EventOf<"ended">): Step {
  const index = indexOf(state, event.child);
  if (index === undefined) return { state, effects: [] };
  const metric = Number.isFinite(event.metric) ? event.metric : undefined;
  const marked = withEnd(plan, state, index, markOf(event, state.marks[index], metric), metric);
  const policy = policyOf(plan);
  const memory = policy && forget(policy, state.memory ?? NO_MEMORY, event.child, event.metrics);
  const failure = state.failure ?? (event.status === "Failed" ? event.reason?.slice(0, REASON_CHARS) : undefined);
  const next = {
    ...marked,
    ...(memory === undefined ? {} : { memory }),
    ...(failure === undefined ? {} : { failure }),
  };
  return isFailing(next)
    ? stopped(plan, next, "failing", `the first ${FIRST_FAILURES} trials failed`)
    : nextWave(plan, next);
}

function markOf({ status }: EventOf<"ended">, before: string | undefined, metric: number | undefined): Mark {
  if (status === "Completed") return metric === undefined ? "m" : "c";
  if (status === "Failed") return "f";
  return before === "s" ? "p" : "x";
}

function withEnd(
  plan: SweepPlan,
  state: SweepState,
  index: number,
  mark: Mark,
  metric: number | undefined,
): SweepState {
  const marks = withMark(state.marks, index, mark);
  if (metric === undefined) return { ...state, marks };
  const metrics = [...state.metrics];
  for (let at = metrics.length; at < index; at++) metrics[at] = null;
  metrics[index] = metric;
  const best = mark === "c" && isNewBest(plan, state, index, metric) ? index : state.best;
  return { ...state, marks, metrics, ...(best === undefined ? {} : { best }) };
}

/** Of equals the first trial is the best, whichever ended first. */
function isNewBest({ goal }: SweepPlan, { best, metrics }: SweepState, index: number, metric: number): boolean {
  const known = best === undefined ? undefined : (metrics[best] ?? undefined);
  if (best === undefined || known === undefined) return true;
  if (metric === known) return index < best;
  return goal === "maximize" ? metric > known : metric < known;
}

function policyOf({ stopper, goal, metric }: SweepPlan) {
  return stopper === undefined ? undefined : { stopper, goal, metric };
}

function isFailing({ phase, marks }: SweepState): boolean {
  const over = marks.length - openCount(marks);
  return phase === "running" && over === FIRST_FAILURES && countOf(marks, "f") === FIRST_FAILURES;
}

/** Begins no more trials, and cancels those under way. */
function stopped(
  plan: SweepPlan,
  state: SweepState,
  kind: NonNullable<SweepState["stop"]>["kind"],
  reason: string,
): Step {
  const next = nextWave(plan, { ...state, phase: "stopping", stop: { kind, reason: reason.slice(0, REASON_CHARS) } });
  const open = openTrials(state.marks);
  return { state: next.state, effects: [...open.map((index) => cancelOf(index, reason)), ...next.effects] };
}

function cancelOf(index: number, reason: string): Effect {
  return { kind: "cancel", child: String(index), reason };
}

function canceled(plan: SweepPlan, state: SweepState, { by, reason }: EventOf<"cancel">): Step {
  if (state.stop?.kind === "canceled") return { state, effects: [] };
  return stopped(plan, state, "canceled", `${reason} (by ${by})`);
}

/** Trials are looked at for a policy that stops some, and for the time the sweep may take. */
function looked(plan: SweepPlan, state: SweepState, event: EventOf<"looked">): Step {
  if (state.phase !== "running" || state.lookMs === undefined || event.atMs < state.lookMs)
    return { state, effects: [] };
  if (plan.timeoutSec !== undefined && event.atMs >= (state.beganMs ?? 0) + plan.timeoutSec * 1000) {
    return stopped(plan, state, "timeout", `the sweep's timeout of ${plan.timeoutSec} s is over`);
  }
  const policy = policyOf(plan);
  if (policy === undefined) return withLook(plan, state, [], event.atMs);
  const open = Object.entries(event.metrics).filter(([child]) => state.marks[indexOf(state, child) ?? -1] === "o");
  const { memory, stops } = judge(policy, state.memory ?? NO_MEMORY, Object.fromEntries(open));
  const marks = stops.reduce((all, { trial }) => withMark(all, Number(trial), "s"), state.marks);
  const effects = stops.map(({ trial, reason }) => cancelOf(Number(trial), reason));
  return withLook(plan, { ...state, memory, marks }, effects, event.atMs);
}

function withLook(plan: SweepPlan, state: SweepState, effects: readonly Effect[], atMs: number): Step {
  const isNeeded = state.phase === "running" && (plan.stopper !== undefined || plan.timeoutSec !== undefined);
  if (!isNeeded) return { state, effects };
  const beganMs = state.beganMs ?? atMs;
  const part = Math.min(LONGEST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, (atMs - beganMs) / LOOK_PART));
  const pause = plan.stopper === undefined ? IDLE_LOOK_MS : part;
  const overMs = plan.timeoutSec === undefined ? Number.POSITIVE_INFINITY : beganMs + plan.timeoutSec * 1000;
  const lookMs = Math.min(overMs, Math.round(atMs + pause));
  return { state: { ...state, lookMs }, effects: [...effects, { kind: "look", atMs: lookMs }] };
}
