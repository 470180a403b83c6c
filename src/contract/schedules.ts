import * as z from "zod";
import { Actor, Description, pageOf, ResourceName, Tags, Time } from "./common.ts";
import { CreateJob } from "./jobs.ts";

/** Times are ISO 8601; without an offset they are in the trigger's time zone (an IANA or a Windows name; default UTC). Ends are inclusive. */
const Span = {
  start_time: z.string().max(40).optional(),
  end_time: z.string().max(40).optional(),
  time_zone: z.string().max(100).optional(),
};

export const CronTrigger = z.strictObject({
  type: z.literal("cron"),
  /** Minute, hour, day of month, month, day of week. */
  expression: z.string().min(1).max(500),
  ...Span,
});
export type CronTrigger = z.infer<typeof CronTrigger>;

const oneOrMany = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1).max(60)]);

export const RecurrenceTrigger = z.strictObject({
  type: z.literal("recurrence"),
  frequency: z.enum(["minute", "hour", "day", "week", "month"]),
  interval: z.number().int().min(1).max(100_000),
  /** At each of the hours with each of the minutes; on these days of the week or month, where any are given. */
  schedule: z
    .strictObject({
      hours: oneOrMany(z.number().int().min(0).max(23)),
      minutes: oneOrMany(z.number().int().min(0).max(59)),
      week_days: oneOrMany(
        z.enum(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]),
      ).optional(),
      month_days: oneOrMany(z.number().int().min(1).max(31)).optional(),
    })
    .optional(),
  ...Span,
});
export type RecurrenceTrigger = z.infer<typeof RecurrenceTrigger>;

/** Names may end in `*`; absent: any. */
const NamePattern = z.string().min(1).max(256).optional();

/** A new version of a data asset. */
export const DataTrigger = z.strictObject({ type: z.literal("data"), name: NamePattern });
/** A new or changed file below a path of a datastore. */
export const FileTrigger = z.strictObject({
  type: z.literal("file"),
  /** `azureml://datastores/NAME/paths/FOLDER`. */
  path: z.string().min(1).max(2000),
  /** Of names below the path: `*`, `**` and `?`; absent: every file. */
  pattern: z.string().min(1).max(500).optional(),
});
/** A model version was registered, or tagged. */
export const ModelTrigger = z.strictObject({
  type: z.literal("model"),
  name: NamePattern,
  on: z.enum(["registered", "tagged"]).optional(),
  /** KEY or KEY=VALUE; with `on: tagged`. */
  tag: z.string().min(1).max(500).optional(),
});
export type ModelTrigger = z.infer<typeof ModelTrigger>;
/** A job has ended. */
export const JobTrigger = z.strictObject({
  type: z.literal("job"),
  name: NamePattern,
  experiment_name: NamePattern,
  status: oneOrMany(z.enum(["Completed", "Failed", "Canceled"])).optional(),
});
export type JobTrigger = z.infer<typeof JobTrigger>;
/** An event of EventBridge's default bus; AWS homes only. */
export const EventTrigger = z.strictObject({
  type: z.literal("event"),
  pattern: z.record(z.string(), z.unknown()),
});
/** A signed request from outside. */
export const WebhookTrigger = z.strictObject({ type: z.literal("webhook") });

export const Trigger = z.discriminatedUnion("type", [
  CronTrigger,
  RecurrenceTrigger,
  DataTrigger,
  FileTrigger,
  ModelTrigger,
  JobTrigger,
  EventTrigger,
  WebhookTrigger,
]);
export type Trigger = z.infer<typeof Trigger>;

/** What becomes of times that passed while the home was off: `skip` none of them, `once` the last of them, `all` the newest 40. */
export const MissedRuns = z.enum(["skip", "once", "all"]);
export type MissedRuns = z.infer<typeof MissedRuns>;

/** A job of the workspace, submitted again, with what is said anew. */
const JobAgain = z.strictObject({
  job: z.string().min(1).max(300),
  /** Fields of a job's spec; maps are merged by key. */
  overrides: z.record(z.string(), z.unknown()).optional(),
});

export const ScheduleSpec = z
  .strictObject({
    display_name: z.string().max(500).optional(),
    description: Description.optional(),
    tags: Tags.optional(),
    properties: Tags.optional(),
    trigger: Trigger,
    missed_runs: MissedRuns.optional(),
    /** Default true. */
    is_enabled: z.boolean().optional(),
    create_job: z.union([CreateJob.omit({ strict: true }), JobAgain]).optional(),
    /** Makes a new version of this data asset when the files under its path have changed. */
    refresh_data: z.strictObject({ name: z.string().min(1).max(255) }).optional(),
  })
  .refine((it) => (it.create_job === undefined) !== (it.refresh_data === undefined), {
    message: "give one of `create_job` and `refresh_data`",
  });
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;

/** Why a schedule fired: its time, a person, or what happened. The same cause fires it once. */
export const Cause = z.object({
  id: z.string(),
  type: z.enum(["time", "manual", "data", "file", "model", "job", "event", "webhook"]),
  summary: z.string(),
  /** What inputs of the job may name as `${{trigger.KEY}}`. */
  values: z.record(z.string(), z.string()),
});
export type Cause = z.infer<typeof Cause>;

export const Firing = z.object({
  id: z.string(),
  schedule: z.string(),
  cause: Cause,
  at: Time,
  state: z.enum(["open", "done", "failed"]),
  /** The job that it submitted. */
  job: z.string().optional(),
  /** The version of data that it made. */
  data: z.string().optional(),
  /** Why nothing was made. */
  reason: z.string().optional(),
});
export type Firing = z.infer<typeof Firing>;
export const FiringPage = pageOf(Firing);

export const Schedule = z.object({
  name: ResourceName,
  id: z.string(),
  display_name: z.string().optional(),
  description: z.string().optional(),
  tags: Tags,
  properties: Tags,
  trigger: Trigger,
  missed_runs: MissedRuns,
  is_enabled: z.boolean(),
  create_job: CreateJob.optional(),
  refresh_data: z.object({ name: z.string() }).optional(),
  /** When it fires next, if its trigger is one of time. */
  next_at: Time.optional(),
  last: Firing.optional(),
  /** Times that passed without a run. */
  skipped: z.number().int(),
  /** Of webhooks: where requests go. */
  webhook_url: z.string().optional(),
  /** Of webhooks: what requests are signed with; only in the answer that makes it. */
  webhook_secret: z.string().optional(),
  created_at: Time,
  created_by: Actor,
});
export type Schedule = z.infer<typeof Schedule>;
export const SchedulePage = pageOf(Schedule);

/** Changes words and the switch; another trigger or job is another PUT. */
export const UpdateSchedule = z.strictObject({
  display_name: z.string().max(500).optional(),
  description: Description.optional(),
  /** Replaces all tags. */
  tags: Tags.optional(),
  missed_runs: MissedRuns.optional(),
  is_enabled: z.boolean().optional(),
});

/** Fires it now. */
export const TriggerSchedule = z.strictObject({
  /** What its job's inputs name as `${{trigger.KEY}}`. */
  values: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/), z.string().max(5000)).optional(),
});

/** Times at which it would fire, from now on. */
export const NextFirings = z.object({ times: z.array(Time), time_zone: z.string() });
