import { AppError } from "../../contract/errors.ts";
import type { SweepJobSpec } from "../../contract/sweeps.ts";
import type { ChildJob, CompositeKind, OpenJob, PartSketch } from "../coordinator/kinds.ts";
import type { ChildOrder, CompositeEvent, Machine } from "../coordinator/machine.ts";
import { mapLimited } from "../files/streams.ts";
import type { JobStore } from "../jobs/ports.ts";
import type { PlannedOutput } from "../jobs/record.ts";
import type { RunStore } from "../tracking/ports.ts";
import { orderOf, sweepMachine } from "./machine.ts";
import { planSweep, type SweepDeps, type SweepDocument, withParameters } from "./plan-sweep.ts";
import type { Mark, SweepState } from "./state.ts";
import { keepBest, keepParameters, metricOf, valuesOf } from "./trial-run.ts";

export interface SweepKindDeps extends SweepDeps {
  readonly jobs: JobStore;
  readonly tracking: Pick<RunStore, "get" | "change" | "history">;
}

/** Histories read at once. */
const READS = 16;

/** Sweeps: what their trials are given, what they logged, and what the best one leaves. */
export function makeSweepKind(deps: SweepKindDeps): CompositeKind {
  return {
    type: "sweep",
    machine: sweepMachine as Machine<unknown, unknown>,
    plan: (workspace, job, spec) => planSweep(deps, workspace, job, spec as SweepJobSpec),
    child: async (open, order) => trialJob(open, order),
    outputs: bestOutputs,
    sketch: (document, state) => sketchTrials(document as SweepDocument, state as SweepState | undefined),
    enrich: (workspace, document, childJob, event) =>
      withMetric(deps, workspace, document as SweepDocument, childJob, event),
    look: (open, children, atMs) => lookAt(deps, open, children, atMs),
  };
}

const STATUSES: Readonly<Record<Mark, string>> = {
  o: "Queued",
  s: "Running",
  c: "Completed",
  m: "Completed",
  f: "Failed",
  p: "Canceled",
  x: "Canceled",
};

function sketchTrials({ plan }: SweepDocument, state: SweepState | undefined): readonly PartSketch[] {
  const { marks = "", metrics = [], best } = state ?? {};
  return [...marks].map((mark, index) => {
    const parameters = Object.entries(orderOf(plan, state ?? {}, index).parameters ?? {});
    const metric = metrics[index];
    const came =
      metric === undefined || metric === null ? [] : [`${plan.metric} ${metric}${index === best ? " (best)" : ""}`];
    const note = [parameters.map(([name, value]) => `${name}=${value}`).join(" "), ...came].join("; ");
    return { key: String(index), type: "command", after: [], status: STATUSES[mark as Mark], note };
  });
}

function trialJob({ job, document }: OpenJob, { child, parameters = {} }: ChildOrder): ChildJob {
  const { trial, prepared, parameters: names } = document as SweepDocument;
  const title = job.displayName === job.name ? "" : `${job.displayName} `;
  const spec = {
    ...withParameters(trial, names, (name) => parameters[name]),
    display_name: `${title.slice(0, 480)}trial ${child}`,
    experiment_name: job.experimentName,
    parent_job_name: job.name,
  };
  return { request: { spec }, prepared };
}

/** The sweep's outputs are the best trial's. */
async function bestOutputs(open: OpenJob): Promise<Readonly<Record<string, PlannedOutput>>> {
  const { best } = (await open.state()) as SweepState;
  const trial = best === undefined ? undefined : await open.child(String(best));
  if (trial === undefined) throw new AppError("Internal", `sweep \`${open.job.name}\` completed without a best trial`);
  const outputs = Object.entries(open.job.outputs).map(([name, planned]) => {
    const made = trial.outputs[name];
    if (made === undefined) return [name, planned] as const;
    const { type, uri, is_file, contents } = made;
    return [name, { ...planned, type, uri, is_file, ...(contents === undefined ? {} : { contents }) }] as const;
  });
  return Object.fromEntries(outputs);
}

/** A trial's end with what it logged. Its run gets the parameters, and the sweep's run the best value so far. */
async function withMetric(
  { tracking, jobs }: SweepKindDeps,
  workspace: string,
  { plan, parameters }: SweepDocument,
  trial: string,
  event: CompositeEvent & { readonly kind: "ended" },
): Promise<CompositeEvent> {
  const job = await jobs.get(workspace, trial);
  const run = await tracking.get(workspace, trial);
  if (job?.composite === undefined || run === undefined) return event;
  await keepParameters(tracking, job, parameters);
  const metric = metricOf(run, plan);
  if (metric === undefined) return event;
  if (event.status === "Completed") await keepBest(tracking, job, plan, metric);
  if (plan.stopper === undefined) return { ...event, metric };
  return { ...event, metric, metrics: await valuesOf(tracking, workspace, trial, plan) };
}

async function lookAt(
  { tracking }: SweepKindDeps,
  open: OpenJob,
  children: readonly ChildOrder[],
  atMs: number,
): Promise<CompositeEvent> {
  const { plan } = open.document as SweepDocument;
  const { workspace } = open.job;
  const read = async ({ child }: ChildOrder): Promise<readonly [string, readonly number[]]> => {
    const job = await open.child(child);
    if (job?.startedMs === undefined) return [child, []];
    return [child, await valuesOf(tracking, workspace, job.name, plan)];
  };
  const metrics = plan.stopper === undefined ? [] : await mapLimited(children, READS, read);
  return { kind: "looked", metrics: Object.fromEntries(metrics.filter(([, values]) => values.length > 0)), atMs };
}
