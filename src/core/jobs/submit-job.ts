import { AppError } from "../../contract/errors.ts";
import type { CreateJob, Job, JobSpec } from "../../contract/jobs.ts";
import type { CompositeDocument } from "../coordinator/document.ts";
import type { Documents } from "../coordinator/documents.ts";
import type { ReuseNote } from "../coordinator/reuse/step-key.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Objects } from "../ports/objects.ts";
import type { NewRun } from "../tracking/ports.ts";
import { digestOf } from "./digest.ts";
import { makeRun, shownUser } from "./make-run.ts";
import { diffKey } from "./object-keys.ts";
import type { PreparedCommand } from "./plan-command-job.ts";
import { type PlanDeps, planJob } from "./plan-job.ts";
import type { Compose, Experiments, JobStore, Nudge, RunBook } from "./ports.ts";
import { refuse } from "./problems.ts";
import type { ChildOf, JobRecord, Plan, PlannedOutput } from "./record.ts";
import { type ShowDeps, showJob } from "./show-job.ts";
import { isFinal, step } from "./state.ts";

export interface CreateDeps extends PlanDeps {
  readonly jobs: JobStore;
  readonly runs: RunBook;
  readonly experiments: Experiments;
  readonly objects: Objects;
  readonly documents: Documents;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly nudge: Nudge;
  readonly compose: Compose;
}

export interface SubmitDeps extends CreateDeps, ShowDeps {}

export interface SubmitInput {
  readonly workspace: string;
  /** Absent: the server names it. */
  readonly name?: string;
  readonly request: CreateJob;
  readonly actor: string;
  /** Of a child of a composite job. */
  readonly child?: {
    readonly of: ChildOf;
    readonly experiment: { readonly id: string; readonly name: string };
    /** What was resolved and pinned when the composite was submitted. */
    readonly prepared?: PreparedCommand;
    /** Its key, and an earlier job whose results can be this one's. */
    readonly reuse?: (plan: Plan) => Promise<{ readonly note: ReuseNote; readonly reused?: Reused }>;
  };
}

/** Results that are there already. */
export interface Reused {
  /** The job that made them. */
  readonly from: string;
  readonly outputs: Readonly<Record<string, PlannedOutput>>;
}

/**
 * Makes a job, its run and its place in the queue, all or none. The same request under the same name again answers the job that is there (`created: false`);
 * another request under that name is AlreadyExists.
 */
export async function submitJob(
  deps: SubmitDeps,
  input: SubmitInput,
): Promise<{ readonly job: Job; readonly created: boolean }> {
  const { record, run, created } = await createJob(deps, input);
  if (run === undefined) return { job: await showJob(deps, record), created };
  return { job: await showJob(deps, record, { tags: run.tags, params: {}, metrics: {} }), created };
}

/** The same, for callers that don't look at it. `run` is that of a job that was not there before. */
export async function createJob(
  deps: CreateDeps,
  input: SubmitInput,
): Promise<{ readonly record: JobRecord; readonly created: boolean; readonly run?: NewRun }> {
  const { workspace, request, actor, child } = input;
  const digest = await digestOf(request);
  if (input.name !== undefined && child === undefined) {
    const known = await deps.jobs.get(workspace, input.name);
    if (known !== undefined) return { record: mustBeSame(known, digest), created: false };
  }
  const name = input.name ?? deps.ids.hex32();
  const { plan, document } = await planOrRefuse(deps, { ...input, name });
  const reuse = await child?.reuse?.(plan);
  const experiment =
    child?.experiment ?? (await deps.experiments.ensure(workspace, request.spec.experiment_name ?? "Default", actor));
  const record = await makeRecord(deps, { ...input, name }, { plan, digest, experiment, reuse, document });
  if (document !== undefined) await deps.documents.put(record, document);
  const run = makeRun(record, request);
  const { taken } = await deps.jobs.create(record, run, { actor, action: "create", summary: wordSubmitted(record) });
  if (taken !== undefined) {
    if (taken.job !== undefined) return { record: sameOrChild(taken.job, digest, child?.of), created: false };
    throw new AppError("AlreadyExists", `\`${name}\` is the id of a run that an MLflow client made`, {
      hint: "use another job name",
    });
  }
  if (record.coordinated === true) deps.compose(workspace, name);
  else if (!isFinal(record.status)) deps.nudge(workspace, record.compute);
  return { record, run, created: true };
}

function wordSubmitted({ name, displayName, compute, coordinated, reusedFrom, spec }: JobRecord): string {
  const job = `job \`${name}\`${displayName === name ? "" : ` (${displayName})`}`;
  if (reusedFrom !== undefined) return `${job} has the results of job \`${reusedFrom}\``;
  return coordinated === true ? `${job} of type ${spec.type} submitted` : `${job} submitted to compute \`${compute}\``;
}

/** A child is known by its place, whatever it was made from the last time. */
function sameOrChild(known: JobRecord, digest: string, child: ChildOf | undefined): JobRecord {
  return known.composite?.parent === child?.parent && child !== undefined ? known : mustBeSame(known, digest);
}

function mustBeSame(known: JobRecord, digest: string): JobRecord {
  if (known.digest === digest) return known;
  throw new AppError("AlreadyExists", `there is a job \`${known.name}\` already, and it was submitted differently`, {
    hint: "use another name; a job is not changed once it is submitted",
  });
}

async function planOrRefuse(
  deps: CreateDeps,
  { workspace, name, request, child }: SubmitInput & { readonly name: string },
): Promise<{ readonly plan: Plan; readonly document?: CompositeDocument }> {
  const { plan, document, problems, warnings } = await planJob(deps, workspace, name, request.spec, child?.prepared);
  const { parent_job_name: parent } = request.spec;
  if (parent !== undefined && child === undefined && !(await deps.runs.tagsOf(workspace, [parent])).has(parent)) {
    const message = `workspace \`${workspace}\` has no job or run \`${parent}\``;
    problems.push({ field: "parent_job_name", message, code: "NotFound" });
  }
  refuse(problems);
  if (request.strict === true) refuse(warnings.map((message) => ({ field: "strict", message })));
  if (plan === undefined) throw new Error("a plan without problems is missing");
  return { plan, ...(document === undefined ? {} : { document }) };
}

async function makeRecord(
  deps: CreateDeps,
  input: SubmitInput & { readonly name: string },
  made: {
    readonly plan: Plan;
    readonly digest: string;
    readonly experiment: { readonly id: string; readonly name: string };
    readonly reuse: { readonly note: ReuseNote; readonly reused?: Reused } | undefined;
    readonly document: CompositeDocument | undefined;
  },
): Promise<JobRecord> {
  const { workspace, name, request, actor, child } = input;
  const { spec } = request;
  const { diff, ...git } = request.git ?? {};
  let keptDiff: string | undefined;
  if (diff !== undefined && diff !== "") {
    keptDiff = diffKey(workspace, made.experiment.id, name);
    await deps.objects.put(keptDiff, new TextEncoder().encode(diff));
  }
  const createdMs = deps.clock.now();
  const record: JobRecord = {
    ...made.plan,
    warnings: [...(request.warnings ?? []), ...made.plan.warnings],
    workspace,
    name,
    rev: 1,
    edits: 1,
    digest: made.digest,
    queueSeq: `${rankOf(spec)}${String(createdMs).padStart(16, "0")}.${nextTurn()}.${name}`,
    ...retriesOf(spec),
    displayName: spec.display_name ?? name,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    experimentId: made.experiment.id,
    experimentName: made.experiment.name,
    ...(request.git === undefined ? {} : { git }),
    ...(keptDiff === undefined ? {} : { diffKey: keptDiff }),
    properties: spec.properties ?? {},
    ...(spec.parent_job_name === undefined ? {} : { parent: spec.parent_job_name }),
    ...(spec.type === "command" && spec.parallel !== undefined ? { meetingKey: deps.ids.secret() } : {}),
    ...(child === undefined ? {} : { composite: child.of }),
    ...(made.document === undefined ? {} : { coordinated: true }),
    ...(made.reuse === undefined ? {} : { reuse: made.reuse.note }),
    createdMs,
    createdBy: actor,
    archived: false,
    status: "Queued",
    history: [
      {
        status: "Queued",
        at: new Date(createdMs).toISOString(),
        by: actor,
        reason: `submitted by ${shownUser(actor)}`,
      },
    ],
    attempts: [],
  };
  const { reused } = made.reuse ?? {};
  if (reused === undefined) return record;
  const reason = `the results are those of job \`${reused.from}\``;
  const ended = step(record, { kind: "finished", status: "Completed", reason, atMs: createdMs });
  return { ...ended, startedMs: createdMs, outputs: reused.outputs, reusedFrom: reused.from };
}

/** Before the time of submission in a place in the queue: sorts before the digits of one, or after. */
function rankOf(spec: JobSpec): string {
  const priority = spec.type === "command" ? spec.queue_settings?.priority?.toLowerCase() : undefined;
  if (priority === "high") return "+";
  return priority === "low" ? "~" : "";
}

function retriesOf(spec: JobSpec): Pick<JobRecord, "retries"> {
  const most = spec.type === "command" ? (spec.limits?.max_retries ?? 0) : 0;
  return most === 0 ? {} : { retries: { most, used: 0 } };
}

let turns = 0;
/** Orders submissions within one millisecond. */
function nextTurn(): string {
  turns = (turns + 1) % 1_000_000;
  return String(turns).padStart(6, "0");
}
