import { AppError } from "../../contract/errors.ts";
import { overrideJob } from "../../contract/job-overrides.ts";
import { CreateJob } from "../../contract/jobs.ts";
import type { ScheduleSpec } from "../../contract/schedules.ts";
import type { Problem } from "../jobs/problems.ts";
import { refuse } from "../jobs/problems.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Vault } from "../ports/vault.ts";
import type { Precondition } from "../records/revision.ts";
import type { Alarm } from "./alarm.ts";
import { hasPlaceholder } from "./fill-job.ts";
import { firingTimes } from "./firing-times.ts";
import { type ScheduleRecord, type ScheduleStore, webhookSecret } from "./ports.ts";

/** What a schedule needs of jobs. */
export interface ScheduledJobs {
  /** What was submitted under a name, as it was written. */
  spec(workspace: string, job: string): Promise<CreateJob["spec"] | undefined>;
  /** What is wrong with a spec before it is submitted. */
  problems(workspace: string, spec: CreateJob["spec"]): Promise<readonly Problem[]>;
  submit(input: {
    readonly workspace: string;
    readonly name: string;
    readonly request: CreateJob;
    readonly actor: string;
  }): Promise<unknown>;
}

/** Listens for what triggers wait for, outside of the home's own activities. Throws NotSupported for what this home can't hear. */
export interface Ears {
  /** Listens for what a schedule waits for as it is now: nothing, where it is switched off. `before`: as it was, if it was there. */
  tune(record: ScheduleRecord, before?: ScheduleRecord): Promise<void>;
}

export interface PutScheduleDeps {
  readonly schedules: ScheduleStore;
  readonly scheduledJobs: ScheduledJobs;
  /** Whether a person is a member who may create jobs. */
  readonly mayCreateJobs: (workspace: string, actor: string) => Promise<boolean>;
  readonly hasData: (workspace: string, name: string) => Promise<boolean>;
  readonly alarm: Alarm;
  readonly ears: Ears;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly ids: Ids;
}

interface Named {
  readonly workspace: string;
  readonly name: string;
  readonly actor: string;
  readonly precondition?: Precondition;
}

/** Makes or replaces a schedule. Answers the secret of a webhook once, where it was made. */
export async function putSchedule(
  deps: PutScheduleDeps,
  input: Named & { readonly spec: ScheduleSpec },
): Promise<{ readonly record: ScheduleRecord; readonly secret?: string }> {
  const { workspace, name, spec, actor } = input;
  const before = await deps.schedules.get(workspace, name);
  input.precondition?.(before === undefined ? undefined : revisedSchedule(before));
  const template = await templateOf(deps, workspace, spec);
  if (spec.refresh_data !== undefined && !(await deps.hasData(workspace, spec.refresh_data.name))) {
    throw new AppError("NotFound", `workspace \`${workspace}\` has no data asset \`${spec.refresh_data.name}\``);
  }
  const record = recordOf(deps, { ...input, byMembership: await deps.mayCreateJobs(workspace, actor) }, before);
  // What this home can't hear is refused before anything is written.
  await deps.ears.tune(record, before);
  const secret = await ensureSecret(deps, record);
  const action = before === undefined ? "create" : "update";
  const deed = { actor, action, summary: `schedule \`${name}\` ${before === undefined ? "made" : "changed"}` };
  if (!(await deps.schedules.put(record, before?.rev ?? 0, deed, template))) throw changedMeanwhile(name);
  await deps.alarm.set(record);
  return { record, ...(secret === undefined ? {} : { secret }) };
}

export interface ScheduleChange {
  readonly display_name?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly missed_runs?: ScheduleRecord["missedRuns"] | undefined;
  readonly is_enabled?: boolean | undefined;
}

/** Changes words and the switch. What passed while it was off is not made up for. */
export async function updateSchedule(
  deps: PutScheduleDeps,
  input: Named & { readonly change: ScheduleChange },
): Promise<ScheduleRecord> {
  const { workspace, name, change, actor } = input;
  const before = await getSchedule(deps, workspace, name);
  input.precondition?.(revisedSchedule(before));
  const words: ScheduleRecord = {
    ...before,
    ...(change.display_name === undefined ? {} : { displayName: change.display_name }),
    ...(change.description === undefined ? {} : { description: change.description }),
    ...(change.tags === undefined ? {} : { tags: change.tags }),
    missedRuns: change.missed_runs ?? before.missedRuns,
    isEnabled: change.is_enabled ?? before.isEnabled,
    changedBy: actor,
    byMembership: await deps.mayCreateJobs(workspace, actor),
    rev: before.rev + 1,
  };
  const isSwitched = words.isEnabled !== before.isEnabled;
  const record = isSwitched ? withNext({ ...words, mark: deps.ids.hex32(), sinceMs: deps.clock.now() }) : words;
  if (isSwitched) await deps.ears.tune(record, before);
  const action = !isSwitched ? "update" : record.isEnabled ? "enable" : "disable";
  const summary = `schedule \`${name}\` ${!isSwitched ? "changed" : record.isEnabled ? "switched on" : "switched off"}`;
  if (!(await deps.schedules.put(record, before.rev, { actor, action, summary }))) throw changedMeanwhile(name);
  await deps.alarm.set(record);
  return record;
}

/** Forgets a schedule and its firings. The jobs that it submitted stay. */
export async function deleteSchedule(deps: PutScheduleDeps, input: Named): Promise<void> {
  const { workspace, name, actor } = input;
  const record = await getSchedule(deps, workspace, name);
  input.precondition?.(revisedSchedule(record));
  const off: ScheduleRecord = { ...record, isEnabled: false };
  await deps.ears.tune(off, record);
  if (!(await deps.schedules.delete(record, actor))) throw changedMeanwhile(name);
  await deps.alarm.set(off);
  await deps.vault.delete(webhookSecret(workspace, name));
}

/** Throws NotFound. */
export async function getSchedule(
  deps: Pick<PutScheduleDeps, "schedules">,
  workspace: string,
  name: string,
): Promise<ScheduleRecord> {
  const record = await deps.schedules.get(workspace, name);
  if (record !== undefined) return record;
  throw new AppError("NotFound", `workspace \`${workspace}\` has no schedule \`${name}\``, {
    hint: "`yard schedule list` shows those there are",
  });
}

export function revisedSchedule({ rev, createdMs }: ScheduleRecord) {
  return { rev, createdAt: new Date(createdMs).toISOString() };
}

/** With its next time, counted from what was dealt with. */
export function withNext(record: ScheduleRecord): ScheduleRecord {
  const { nextMs: _, ...rest } = record;
  const { trigger } = record;
  if (!record.isEnabled || (trigger.type !== "cron" && trigger.type !== "recurrence")) return rest;
  const { value } = firingTimes(trigger, record.anchorMs).after(record.sinceMs).next();
  return typeof value === "number" ? { ...rest, nextMs: value } : rest;
}

function recordOf(
  deps: PutScheduleDeps,
  {
    workspace,
    name,
    spec,
    actor,
    byMembership,
  }: Named & {
    readonly spec: ScheduleSpec;
    readonly byMembership: boolean;
  },
  before: ScheduleRecord | undefined,
): ScheduleRecord {
  const nowMs = deps.clock.now();
  return withNext({
    workspace,
    name,
    ...(spec.display_name === undefined ? {} : { displayName: spec.display_name }),
    ...(spec.description === undefined ? {} : { description: spec.description }),
    tags: spec.tags ?? {},
    properties: spec.properties ?? {},
    trigger: spec.trigger,
    missedRuns: spec.missed_runs ?? "once",
    isEnabled: spec.is_enabled ?? true,
    action: spec.refresh_data === undefined ? "create_job" : "refresh_data",
    ...(spec.refresh_data === undefined ? {} : { data: spec.refresh_data.name }),
    mark: deps.ids.hex32(),
    anchorMs: nowMs,
    sinceMs: nowMs,
    skipped: before?.skipped ?? 0,
    createdMs: before?.createdMs ?? nowMs,
    createdBy: before?.createdBy ?? actor,
    changedBy: actor,
    byMembership,
    rev: (before?.rev ?? 0) + 1,
  });
}

/** The whole request that firings submit. What can be found wrong now is found now. */
async function templateOf(
  deps: PutScheduleDeps,
  workspace: string,
  { create_job: wanted }: ScheduleSpec,
): Promise<CreateJob | undefined> {
  if (wanted === undefined) return undefined;
  const template = "job" in wanted ? await jobAgain(deps, workspace, wanted) : wanted;
  const problems = await deps.scheduledJobs.problems(workspace, template.spec);
  const fields = template.spec as unknown as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  const isDecidedLater = ({ field }: Problem): boolean => {
    const [part = "", key = ""] = field.split(".");
    return hasPlaceholder(fields[part]?.[key]);
  };
  refuse(
    problems.filter((problem) => !isDecidedLater(problem)).map((it) => ({ ...it, field: `create_job.${it.field}` })),
  );
  return template;
}

async function jobAgain(
  deps: PutScheduleDeps,
  workspace: string,
  { job, overrides = {} }: { readonly job: string; readonly overrides?: Readonly<Record<string, unknown>> | undefined },
): Promise<CreateJob> {
  const name = job.replace(/^azureml:/, "");
  const spec = await deps.scheduledJobs.spec(workspace, name);
  if (spec === undefined) throw new AppError("NotFound", `workspace \`${workspace}\` has no job \`${name}\``);
  const made = CreateJob.safeParse({
    spec: overrideJob(spec as unknown as Readonly<Record<string, unknown>>, overrides),
  });
  if (made.success) return made.data;
  const [issue] = made.error.issues;
  throw new AppError(
    "InvalidSpec",
    `job \`${name}\` with what \`create_job\` says anew: ${issue?.path.join(".")}: ${issue?.message}`,
  );
}

async function ensureSecret(deps: PutScheduleDeps, record: ScheduleRecord): Promise<string | undefined> {
  if (record.trigger.type !== "webhook") return undefined;
  const secretName = webhookSecret(record.workspace, record.name);
  if ((await deps.vault.get(secretName)) !== undefined) return undefined;
  const secret = deps.ids.secret();
  await deps.vault.put(secretName, secret);
  return secret;
}

function changedMeanwhile(name: string): AppError {
  return new AppError("Conflict", `schedule \`${name}\` was changed meanwhile`, { hint: "look at it and try again" });
}
