import { type AwsOthers, composeSchedules as composeAws } from "../../lambdas/home/compose-schedules.ts";
import type { Bus, Delivery, Message } from "../../src/core/ports/bus.ts";
import type { Timer } from "../../src/core/ports/timer.ts";
import { composeAssets } from "../../src/home/compose-assets.ts";
import { composeTracking } from "../../src/home/compose-tracking.ts";
import { composeFiles } from "../../src/local/compose-files.ts";
import { composeSchedules } from "../../src/local/compose-schedules.ts";
import { makeLocalCourier } from "../../src/local/courier.ts";
import { type JobFrame, openJobFrame } from "./job-frame.ts";

/** Carries messages when the test says so, and wakes at times that the test lets come. */
export interface Post {
  /** Not delivered yet. */
  readonly waiting: Message[];
  /** Delivers all there is, and what comes of it. */
  deliver(): Promise<void>;
  /** Lets time pass: each timer fires at its time, one after the other. */
  passTo(atMs: number): Promise<void>;
}

export interface ScheduleFrame extends JobFrame {
  /** Looks at folders that triggers wait for. */
  lookForFiles(): Promise<void>;
  /** What was written by now is on its way to whoever waits for it. */
  seen(): Promise<void>;
  readonly post: Post;
  /** What the console was told. */
  readonly printed: readonly string[];
}

/** Jobs, assets and schedules over the laptop's adapters, with a clock, a bus and timers that the test moves. */
export async function openScheduleFrame(
  options: {
    readonly privateWebhooks?: boolean;
    /** As the AWS home has them, over a bucket of this name. */
    readonly aws?: { readonly bucketName: string } & Pick<AwsOthers, "ears" | "topics" | "hasOwnBucket">;
  } = {},
): Promise<ScheduleFrame> {
  const printed: string[] = [];
  const handlers = new Map<string, (delivery: Delivery) => Promise<void>>();
  const timers = new Map<string, { readonly atMs: number; readonly message: Message }>();
  const waiting: Message[] = [];
  const bus = {
    send: async (messages: readonly Message[]) => void waiting.push(...messages),
    subscribe: (topic: string, handler: (delivery: Delivery) => Promise<void>) => void handlers.set(topic, handler),
  } as Pick<Bus, "send" | "subscribe"> as Bus;
  const timer: Timer = {
    set: async (id, atMs, message) => void timers.set(id, { atMs, message }),
    cancel: async (id) => void timers.delete(id),
  };
  let look = async (): Promise<void> => undefined;
  let settle = look;
  const frame = await openJobFrame({
    more: ({ ground, stores, files, digest, scheduledJobs }) => {
      const { places, lookups, close } = composeFiles(ground, stores);
      const assets = composeAssets(ground, stores, { home: "laptop", files, places, lookups, digest });
      const moved = { ...ground, bus, timer: { ...timer, close: async () => undefined } };
      const { aws } = options;
      if (aws !== undefined) {
        const room = composeAws(moved, stores, { ...aws, bus, timer, files, digest, scheduledJobs });
        return { routes: [assets, room].flatMap(({ routes = [] }) => routes), close };
      }
      const print = (line: string) => void printed.push(line);
      const courier = makeLocalCourier({ clock: ground.clock, allowPrivate: options.privateWebhooks === true, print });
      const schedules = composeSchedules(moved, stores, { files, digest, scheduledJobs, courier });
      ({ look, settle } = schedules);
      return {
        routes: [assets, schedules, composeTracking(ground, stores, { files })].flatMap(({ routes = [] }) => routes),
        close: async () => {
          await schedules.close?.();
          close();
        },
      };
    },
  });
  const deliver = async (): Promise<void> => {
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift())
      await handlers.get(message.topic)?.({ ...message, attempt: 1 });
  };
  return {
    ...frame,
    printed,
    lookForFiles: () => look(),
    seen: () => settle(),
    post: {
      waiting,
      deliver,
      async passTo(atMs) {
        for (;;) {
          const [next] = [...timers].sort(([, a], [, b]) => a.atMs - b.atMs);
          if (next === undefined || next[1].atMs > atMs) break;
          timers.delete(next[0]);
          frame.now.ms = Math.max(frame.now.ms, next[1].atMs);
          waiting.push(next[1].message);
          await deliver();
        }
        frame.now.ms = atMs;
      },
    },
  };
}
