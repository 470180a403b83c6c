import { expect, test } from "vitest";
import { runOfEvent } from "../../src/adapters/aws/batch/event.ts";
import { type Copy, makeConsumer, type Outcome } from "../../src/adapters/aws/bus-consumer.ts";
import { type Envelope, encodeEnvelope } from "../../src/adapters/aws/bus-envelope.ts";
import type { JobStatus } from "../../src/contract/jobs.ts";
import { jobs as routes } from "../../src/contract/routes/jobs.ts";
import { computes } from "../../src/contract/routes/places.ts";
import { runner as runnerRoutes } from "../../src/contract/routes/runner.ts";
import type { RunnerReport } from "../../src/contract/runner.ts";
import type { Bus, Delivery } from "../../src/core/ports/bus.ts";
import type { LaunchState } from "../../src/core/ports/launcher.ts";
import { makeBusMover } from "../../src/home/bus-mover.ts";
import { TOPICS } from "../../src/home/job-topics.ts";
import { openTurns } from "../../src/store/turns.ts";
import { type JobFrame, openJobFrame, reportOf } from "../helpers/job-frame.ts";
import { unique } from "../helpers/ports.ts";

const JOBS = 20;
/** What becomes of an attempt: its runner's last word is heard; it dies without one; its machine goes; it refuses to start. */
type Fate = "told" | "silent" | "interrupted" | "refused";
const FATES: readonly Fate[] = ["told", "silent", "interrupted", "refused"];
const ENDS: Readonly<Record<Fate, JobStatus>> = {
  told: "Completed",
  silent: "Failed",
  interrupted: "Completed",
  refused: "Failed",
};

/** Repeatable chances (mulberry32). */
function makeChance(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Waiting extends Copy {
  readonly fromMs: number;
}

/** A standard queue: hands copies out in any order, some of them twice. The consumer and its records are the real ones. */
function makeQueue(ground: JobFrame["ground"], chance: () => number, moveTo: (ms: number) => void) {
  const handlers = new Map<string, (delivery: Delivery) => Promise<void>>();
  const waiting: Waiting[] = [];
  const { table, clock } = ground;
  const consume = makeConsumer({ table, handlers, clock });
  const put = (envelope: Envelope, fromMs = 0) =>
    waiting.push({ copyId: unique("copy"), text: encodeEnvelope(envelope), fromMs });
  const bus: Pick<Bus, "send" | "subscribe"> = {
    async send(messages, { delaySec = 0 } = {}) {
      for (const message of messages) put({ message }, clock.now() + delaySec * 1000);
    },
    subscribe: (topic, handler) => void handlers.set(topic, handler),
  };
  return {
    bus,
    put,
    /** Handles any one copy that is due; when none is, time goes on to the next. False: there is none. */
    async handleOne(): Promise<boolean> {
      if (waiting.length === 0) return false;
      const due = waiting.filter(({ fromMs }) => fromMs <= clock.now());
      const copy = due[Math.floor(chance() * due.length)];
      if (copy === undefined) {
        moveTo(Math.min(...waiting.map(({ fromMs }) => fromMs)));
        return true;
      }
      waiting.splice(waiting.indexOf(copy), 1);
      const outcome: Outcome = await consume(copy);
      if (outcome.kind === "later") waiting.push({ ...copy, fromMs: clock.now() + outcome.delaySec * 1000 });
      return true;
    },
  };
}

test.each([1, 2, 3])(
  "50 lost, doubled or reordered events over 20 jobs: each ends right, once (seed %i)",
  async (seed) => {
    const chance = makeChance(seed);
    let queue: ReturnType<typeof makeQueue> | undefined;
    let mover: ReturnType<typeof makeBusMover> | undefined;
    const frame = await openJobFrame({
      makeMover: (ground) => (options) => {
        queue = makeQueue(ground, chance, (ms) => {
          frame.now.ms = Math.max(frame.now.ms, ms);
        });
        const turns = openTurns({ table: ground.table, clock: ground.clock, newId: ground.ids.hex32 });
        mover = makeBusMover({
          ...ground,
          bus: queue.bus,
          turns,
          runOf: (body) => runOfEvent(async () => undefined, body),
        });
        return mover.make(options);
      },
    });
    await frame.client.call(computes.put, {
      params: { workspace: "default", name: "local" },
      body: { type: "local", slots: 8 },
    });
    const counts = { lost: 0, doubled: 0, moved: 0 };
    const steps: (() => Promise<void>)[] = [];

    /** Word of an attempt, as the service sends it: not at all, twice, or in time. */
    function emit(attempt: string, state: LaunchState): void {
      frame.machine.states.set(attempt, state);
      const tags = { "trainyard:workspace": "default", "trainyard:run": attempt.split(".")[0] ?? "" };
      const times = chance() < 0.3 ? 0 : chance() < 0.4 ? 2 : 1;
      if (times === 0) counts.lost += 1;
      if (times === 2) counts.doubled += 1;
      const message = { topic: TOPICS.attempt, id: unique("event"), body: { detail: { tags } } };
      for (let i = 0; i < times; i++) {
        const lateMs = chance() < 0.3 ? Math.floor(chance() * 300_000) : 0;
        if (lateMs > 0) counts.moved += 1;
        queue?.put({ message }, frame.now.ms + lateMs);
      }
    }

    async function tell(attempt: string, status: RunnerReport["status"], more: Partial<RunnerReport> = {}) {
      const run = attempt.split(".")[0] ?? "";
      const runner = await frame.runner(run);
      await runner.call(runnerRoutes.report, {
        params: { workspace: "default", run },
        body: reportOf(run, status, { attempt, ...more }),
      });
    }

    /** The attempt's life, one step after the other, between those of others. */
    function live(attempt: string): void {
      const at = Number(attempt.split(".")[0]?.slice(1));
      const planned = FATES[at % FATES.length] ?? "told";
      const fate = planned === "interrupted" && !attempt.endsWith(".1") ? "told" : planned;
      const parts: (() => Promise<void> | void)[] = [
        () => emit(attempt, { state: "starting", reason: "a machine is being started" }),
        () => emit(attempt, { state: "running" }),
      ];
      if (fate === "refused") {
        parts[1] = () => emit(attempt, { state: "exited", reason: "image `x` can't be used: there is no such tag" });
      } else {
        parts.push(() => tell(attempt, "Running"));
        if (fate === "told") parts.push(() => tell(attempt, "Completed", { exit_code: 0 }));
        const end = { state: "exited" as const, exitCode: fate === "told" ? 0 : 137 };
        const spot = { ...end, reason: "Host EC2 (instance i-1) terminated.", interrupted: true as const };
        parts.push(() => emit(attempt, fate === "interrupted" ? spot : end));
      }
      const next = async (): Promise<void> => {
        await parts.shift()?.();
        if (parts.length > 0) steps.push(next);
      };
      steps.push(next);
    }

    for (let at = 0; at < JOBS; at++) {
      const spec = { type: "command" as const, command: "true", environment: "python-3" };
      await frame.client.call(routes.put, { params: { workspace: "default", name: `j${at}` }, body: { spec } });
    }
    await mover?.settle();
    let seen = 0;
    const isOver = async () => {
      const { items } = await frame.client.call(routes.list, {
        params: { workspace: "default" },
        query: { limit: 50 },
      });
      return items.every(({ status }) => ["Completed", "Failed"].includes(status));
    };
    for (let i = 0; ; i++) {
      for (const { attemptId } of frame.machine.launched.slice(seen)) live(attemptId);
      seen = frame.machine.launched.length;
      const step =
        steps.length > 0 && chance() < 0.5 ? steps.splice(Math.floor(chance() * steps.length), 1)[0] : undefined;
      if (step !== undefined) await step();
      else if (!(await queue?.handleOne()) && steps.length === 0) break;
      await mover?.settle();
      if (i > 20_000) throw new Error("the jobs go on for ever");
    }

    expect(await isOver()).toBe(true);
    expect(counts.lost + counts.doubled + counts.moved).toBeGreaterThanOrEqual(50);
    const launched = frame.machine.launched.map(({ attemptId }) => attemptId);
    expect(new Set(launched).size).toBe(launched.length);
    for (let at = 0; at < JOBS; at++) {
      const fate = FATES[at % FATES.length] ?? "told";
      const job = await frame.client.call(routes.get, { params: { workspace: "default", name: `j${at}` } });
      expect(job.status).toBe(ENDS[fate]);
      expect(job.attempts).toHaveLength(fate === "interrupted" ? 2 : 1);
      expect(job.history.filter(({ status }) => ["Completed", "Failed"].includes(status))).toHaveLength(1);
    }
  },
);
