import type { Activity } from "../../contract/activities.ts";
import type { Cause, JobTrigger, ModelTrigger } from "../../contract/schedules.ts";
import { CHAIN_TAG } from "./fill-job.ts";
import { type FireDeps, fireFor } from "./fire.ts";
import { fitsPattern } from "./name-pattern.ts";
import type { FiringRecord, ScheduleRecord } from "./ports.ts";

/** What triggers and notifications ask of a job that has ended. */
export interface EndedJob {
  readonly experimentName: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface HappenedDeps extends FireDeps {
  readonly endedJob: (workspace: string, name: string) => Promise<EndedJob | undefined>;
}

const FINAL: readonly unknown[] = ["Completed", "Failed", "Canceled"];

/** What both homes hand on to triggers and notifications: everything but the steps of a job's life before its end. */
export function isNews({ resource, action, after }: Pick<Activity, "resource" | "action" | "after">): boolean {
  return resource !== "job" || (action === "status" && FINAL.includes(after?.status));
}

/** Fires what waits for what happened. Told twice, it fires once. */
export async function fireForActivity(
  deps: HappenedDeps,
  workspace: string,
  activity: Activity,
): Promise<readonly FiringRecord[]> {
  if (!TRIGGERING.includes(activity.resource)) return [];
  const fired: FiringRecord[] = [];
  for (const schedule of await waiting(deps, workspace)) {
    if (Date.parse(activity.at) < schedule.sinceMs) continue;
    const cause = await causeOf(deps, schedule, activity);
    if (cause === undefined) continue;
    const { firing, isNew } = await fireFor(deps, schedule, cause);
    if (isNew) fired.push(firing);
  }
  return fired;
}

const TRIGGERING: readonly string[] = ["data", "model", "job"];

async function waiting({ schedules }: HappenedDeps, workspace: string): Promise<readonly ScheduleRecord[]> {
  const found: ScheduleRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await schedules.list(workspace, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.items.filter(({ isEnabled, trigger }) => isEnabled && TRIGGERING.includes(trigger.type)));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

async function causeOf(deps: HappenedDeps, schedule: ScheduleRecord, activity: Activity): Promise<Cause | undefined> {
  const { trigger } = schedule;
  const { resource, name, action, at, summary } = activity;
  if (trigger.type !== resource) return undefined;
  const values = await valuesOf(deps, schedule, activity);
  if (values === undefined) return undefined;
  const id = `activity#${activity.id}`;
  return {
    id,
    type: trigger.type as Cause["type"],
    summary: summary || `${resource} \`${name}\`: ${action}`,
    values: { time: at, ...values },
  };
}

type Values = Readonly<Record<string, string>>;

async function valuesOf(deps: HappenedDeps, schedule: ScheduleRecord, activity: Activity): Promise<Values | undefined> {
  const { trigger } = schedule;
  switch (trigger.type) {
    case "data": {
      const [, name = "", version = ""] = /^(.*):([^:]*)$/.exec(activity.name) ?? [];
      if (activity.action !== "create" || !fitsPattern(trigger.name, name)) return undefined;
      return { name, version, data: `azureml:${name}:${version}` };
    }
    case "model":
      return modelValues(trigger, activity);
    case "job":
      return jobValues(deps, schedule, trigger, activity);
    default:
      return undefined;
  }
}

/** A registered version is told with its number, a changed one with the tags that are new. */
function modelValues(trigger: ModelTrigger, { name, action, after }: Activity): Values | undefined {
  if (!fitsPattern(trigger.name, name)) return undefined;
  const version = after?.version === undefined ? undefined : String(after.version);
  const facts = { name, ...(version === undefined ? {} : { version, model: `azureml:${name}:${version}` }) };
  if ((trigger.on ?? "registered") === "registered")
    return action === "create" && version !== undefined ? facts : undefined;
  const { tagged: news } = after ?? {};
  const tagged = Object.entries(typeof news === "object" && news !== null ? (news as Values) : {});
  const found = tagged.find(([key, value]) => [undefined, key, `${key}=${value}`].includes(trigger.tag));
  return found === undefined ? undefined : { ...facts, tag: found[0], value: found[1] };
}

async function jobValues(
  deps: HappenedDeps,
  schedule: ScheduleRecord,
  trigger: JobTrigger,
  { name, action, after }: Activity,
): Promise<Values | undefined> {
  const status = String(after?.status);
  const wanted = trigger.status === undefined ? FINAL : [trigger.status].flat();
  if (action !== "status" || !FINAL.includes(status) || !wanted.includes(status)) return undefined;
  if (!fitsPattern(trigger.name, name)) return undefined;
  const job = await deps.endedJob(schedule.workspace, name);
  if (job === undefined || !fitsPattern(trigger.experiment_name, job.experimentName)) return undefined;
  const chain = job.tags[CHAIN_TAG] ?? "";
  // What comes of a schedule, by however many others, does not fire it again: that would never end.
  if (chain.split(" ").includes(schedule.name)) return undefined;
  return { name, job: name, status, experiment_name: job.experimentName, chain };
}
