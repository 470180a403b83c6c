import type { Topics } from "../../src/adapters/aws/topics.ts";
import { refreshData } from "../../src/core/data/refresh-data.ts";
import { workspaceKeys } from "../../src/core/files/files.ts";
import type { Files } from "../../src/core/files/ports.ts";
import { digestOf } from "../../src/core/jobs/digest.ts";
import type { Bus } from "../../src/core/ports/bus.ts";
import type { Digest } from "../../src/core/ports/digest.ts";
import type { Timer } from "../../src/core/ports/timer.ts";
import { type ForeignEvent, fireForEvent, type WatchedFolder } from "../../src/core/schedules/arrived.ts";
import { forgetFiles, lookForFiles } from "../../src/core/schedules/look-for-files.ts";
import type { ScheduleRecord } from "../../src/core/schedules/ports.ts";
import type { Ears, ScheduledJobs } from "../../src/core/schedules/put-schedule.ts";
import { composeSchedules as compose } from "../../src/home/compose-schedules.ts";
import type { Ground, Part } from "../../src/home/part.ts";
import type { Stores } from "../../src/home/stores.ts";
import { makeCourier } from "./courier.ts";
import { EAR_TOPICS } from "./ear-topics.ts";
import type { BucketEars } from "./ears.ts";

/** Places that tell nobody of their files are looked at so often. */
const LOOK_MS = 5 * 60_000;

export interface AwsOthers {
  readonly bus: Pick<Bus, "send" | "subscribe">;
  readonly timer: Timer;
  readonly files: Files;
  readonly digest: Digest;
  readonly scheduledJobs: ScheduledJobs;
  /** The home's. */
  readonly bucketName: string;
  /** Whose objects are not in the home's bucket. */
  readonly hasOwnBucket: (workspace: string) => Promise<boolean>;
  readonly ears: () => Promise<BucketEars>;
  readonly topics: () => Promise<Topics>;
}

/** Schedules in AWS: timers by EventBridge Scheduler, files of the home's bucket and events of the account by rules of EventBridge, other places by looking. */
export function composeSchedules(ground: Ground, stores: Stores, others: AwsOthers): Part {
  const { bus, timer } = others;
  const deps = () => ({ ...ground, ...stores, ...others, ...part.deps, folderOf });

  async function folderOf(workspace: string, uri: string): Promise<WatchedFolder | undefined> {
    if (await others.hasOwnBucket(workspace)) return undefined;
    const keys = await workspaceKeys(stores, workspace, uri);
    return keys === undefined ? undefined : { bucket: others.bucketName, prefix: `${keys}/` };
  }

  async function setLook({ workspace, name, mark }: ScheduleRecord): Promise<void> {
    const atMs = ground.clock.now() + LOOK_MS;
    const id = `look.${workspace}.${name}`;
    await timer.set(id, atMs, { topic: EAR_TOPICS.look, id: `${id}.${mark}.${atMs}`, body: { workspace, name, mark } });
  }

  const ears: Ears = {
    async tune(schedule, before) {
      if (!hears(schedule) && (before === undefined || !hears(before))) return;
      const name = await ruleOf(schedule);
      const { trigger, workspace } = schedule;
      const { rules, listenTo } = await others.ears();
      const body = { workspace, name: schedule.name };
      const folder = trigger.type === "file" ? await folderOf(workspace, trigger.path) : undefined;
      if (schedule.isEnabled && trigger.type === "event")
        return rules.put({ name, pattern: trigger.pattern, topic: EAR_TOPICS.arrived, body });
      if (schedule.isEnabled && folder !== undefined) {
        await listenTo(folder.bucket);
        return rules.put({ name, pattern: arrivalsOf(folder), topic: EAR_TOPICS.arrived, body });
      }
      await rules.remove(name);
      if (schedule.isEnabled && trigger.type === "file") {
        await lookForFiles(deps(), schedule);
        return setLook(schedule);
      }
      await forgetFiles(ground.objects, schedule);
    },
  };

  const part = compose(ground, stores, {
    bus,
    timer,
    scheduledJobs: others.scheduledJobs,
    refreshData: (input) => refreshData({ ...ground, ...stores, ...others }, input),
    ears,
    courier: makeCourier({ clock: ground.clock, topics: others.topics }),
  });
  bus.subscribe(EAR_TOPICS.arrived, async ({ body }) => {
    const named = { workspace: String(body.workspace), name: String(body.name) };
    if (await fireForEvent(deps(), { ...named, event: body.event as ForeignEvent })) return;
    // Its workspace was freed with all its records.
    await (await others.ears()).rules.remove(await ruleOf(named));
  });
  bus.subscribe(EAR_TOPICS.look, async ({ body: { workspace, name, mark } }) => {
    const schedule = await stores.schedules.get(String(workspace), String(name));
    if (schedule?.isEnabled !== true || schedule.mark !== mark) return;
    await lookForFiles(deps(), schedule);
    await setLook(schedule);
  });
  return { routes: part.routes ?? [] };
}

function hears({ trigger }: ScheduleRecord): boolean {
  return trigger.type === "file" || trigger.type === "event";
}

async function ruleOf({ workspace, name }: Pick<ScheduleRecord, "workspace" | "name">): Promise<string> {
  return (await digestOf([workspace, name])).slice(0, 24);
}

function arrivalsOf({ bucket, prefix }: WatchedFolder) {
  return {
    source: ["aws.s3"],
    "detail-type": ["Object Created"],
    detail: { bucket: { name: [bucket] }, object: { key: [{ prefix }] } },
  };
}
