import { AppError } from "../../contract/errors.ts";
import type { CreateJob, Job } from "../../contract/jobs.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Objects } from "../ports/objects.ts";
import { digestOf } from "./digest.ts";
import { makeRun, shownUser } from "./make-run.ts";
import { diffKey } from "./object-keys.ts";
import { type PlanDeps, planJob } from "./plan-job.ts";
import type { Experiments, JobStore, Nudge } from "./ports.ts";
import { refuse } from "./problems.ts";
import type { JobRecord, Plan } from "./record.ts";
import { type ShowDeps, showJob } from "./show-job.ts";

export interface SubmitDeps extends PlanDeps, ShowDeps {
  readonly jobs: JobStore;
  readonly experiments: Experiments;
  readonly objects: Objects;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly nudge: Nudge;
}

export interface SubmitInput {
  readonly workspace: string;
  /** Absent: the server names it. */
  readonly name?: string;
  readonly request: CreateJob;
  readonly actor: string;
}

/**
 * Makes a job, its run and its place in the queue, all or none. The same request under the same name again answers the job that is there (`created: false`);
 * another request under that name is AlreadyExists.
 */
export async function submitJob(
  deps: SubmitDeps,
  input: SubmitInput,
): Promise<{ readonly job: Job; readonly created: boolean }> {
  const { workspace, request, actor } = input;
  const digest = await digestOf(request);
  if (input.name !== undefined) {
    const known = await deps.jobs.get(workspace, input.name);
    if (known !== undefined) return { job: await showSame(deps, known, digest), created: false };
  }
  const name = input.name ?? deps.ids.hex32();
  const plan = await planOrRefuse(deps, workspace, name, request);
  const experiment = await deps.experiments.ensure(workspace, request.spec.experiment_name ?? "Default", actor);
  const record = await makeRecord(deps, { ...input, name }, { plan, digest, experiment });
  const run = makeRun(record, request);
  const shownName = record.displayName === name ? "" : ` (${record.displayName})`;
  const summary = `job \`${name}\`${shownName} submitted to compute \`${record.compute}\``;
  const { taken } = await deps.jobs.create(record, run, { actor, action: "create", summary });
  if (taken !== undefined) {
    if (taken.job !== undefined) return { job: await showSame(deps, taken.job, digest), created: false };
    throw new AppError("AlreadyExists", `\`${name}\` is the id of a run that an MLflow client made`, {
      hint: "use another job name",
    });
  }
  deps.nudge(workspace, record.compute);
  return { job: await showJob(deps, record, { tags: run.tags, params: {}, metrics: {} }), created: true };
}

async function showSame(deps: SubmitDeps, known: JobRecord, digest: string): Promise<Job> {
  if (known.digest === digest) return showJob(deps, known);
  throw new AppError("AlreadyExists", `there is a job \`${known.name}\` already, and it was submitted differently`, {
    hint: "use another name; a job is not changed once it is submitted",
  });
}

async function planOrRefuse(deps: SubmitDeps, workspace: string, name: string, request: CreateJob): Promise<Plan> {
  const { plan, problems, warnings } = await planJob(deps, workspace, name, request.spec);
  const { parent_job_name: parent } = request.spec;
  if (parent !== undefined && !(await deps.runs.tagsOf(workspace, [parent])).has(parent)) {
    const message = `workspace \`${workspace}\` has no job or run \`${parent}\``;
    problems.push({ field: "parent_job_name", message, code: "NotFound" });
  }
  refuse(problems);
  if (request.strict === true) refuse(warnings.map((message) => ({ field: "strict", message })));
  if (plan === undefined) throw new Error("a plan without problems is missing");
  return plan;
}

async function makeRecord(
  deps: SubmitDeps,
  input: SubmitInput & { readonly name: string },
  made: {
    readonly plan: Plan;
    readonly digest: string;
    readonly experiment: { readonly id: string; readonly name: string };
  },
): Promise<JobRecord> {
  const { workspace, name, request, actor } = input;
  const { spec } = request;
  const { diff, ...git } = request.git ?? {};
  let keptDiff: string | undefined;
  if (diff !== undefined && diff !== "") {
    keptDiff = diffKey(workspace, made.experiment.id, name);
    await deps.objects.put(keptDiff, new TextEncoder().encode(diff));
  }
  const createdMs = deps.clock.now();
  return {
    ...made.plan,
    warnings: [...(request.warnings ?? []), ...made.plan.warnings],
    workspace,
    name,
    rev: 1,
    edits: 1,
    digest: made.digest,
    queueSeq: `${String(createdMs).padStart(16, "0")}.${nextTurn()}.${name}`,
    displayName: spec.display_name ?? name,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    experimentId: made.experiment.id,
    experimentName: made.experiment.name,
    ...(request.git === undefined ? {} : { git }),
    ...(keptDiff === undefined ? {} : { diffKey: keptDiff }),
    properties: spec.properties ?? {},
    ...(spec.parent_job_name === undefined ? {} : { parent: spec.parent_job_name }),
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
}

let turns = 0;
/** Orders submissions within one millisecond. */
function nextTurn(): string {
  turns = (turns + 1) % 1_000_000;
  return String(turns).padStart(6, "0");
}
