import { afterAll, beforeAll, expect, test } from "vitest";
import type { Receipt } from "../../src/core/gc/ports.ts";
import type { Message } from "../../src/core/ports/bus.ts";
import { composeGc } from "../../src/home/compose-gc.ts";
import { GC_TOPICS, remindOf, subscribeGc } from "../../src/home/gc-messages.ts";
import { openStores } from "../../src/home/stores.ts";
import { listWorkspaceNames } from "../../src/home/workspace-names.ts";
import { type MeteredHome, openMeteredHome } from "../helpers/metered-home.ts";

const DAY_MS = 86_400_000;

let home: MeteredHome;
let offset = 0;
const clock = { now: () => Date.now() + offset };
beforeAll(async () => {
  home = await openMeteredHome();
});
afterAll(() => home.close());

/** gc as the AWS home's functions have it, over a queue that is handled when the test says so. */
function makeFunctions() {
  const ground = { ...home.ground, clock };
  const handlers = new Map<string, (delivery: Message & { attempt: number }) => Promise<void>>();
  const queue: Message[] = [];
  const timers: { readonly atMs: number; readonly message: Message }[] = [];
  const bus = {
    send: async (messages: readonly Message[]) => void queue.push(...messages),
    subscribe: (topic: string, handler: (delivery: Message & { attempt: number }) => Promise<void>) =>
      void handlers.set(topic, handler),
  };
  const timer = { set: async (_: string, atMs: number, message: Message) => void timers.push({ atMs, message }) };
  const { gc } = composeGc(ground, openStores(ground), { remind: (receipt) => remindOf(timer, receipt) });
  subscribeGc({ ...ground, bus, gc, workspaces: () => listWorkspaceNames(ground.table) });

  async function handle(message: Message): Promise<void> {
    queue.push(message);
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      await handlers.get(next.topic)?.({ ...next, attempt: 1 });
  }
  const states = async (): Promise<readonly string[]> =>
    JSON.parse(await home.ask("GET", "/api/v1/workspaces/default/gc")).items.map(({ state }: Receipt) => state);
  return { gc, timers, handle, states, round: () => handle({ topic: GC_TOPICS.round, id: "r", body: {} }) };
}

async function deletedRun(): Promise<string> {
  const { run } = JSON.parse(await home.call("POST", "/api/2.0/mlflow/runs/create", { experiment_id: "0" }));
  await home.call("POST", "/api/2.0/mlflow/runs/delete", { run_id: run.info.run_id });
  return run.info.run_id;
}

test("what is in the trash goes when its time has come, by a timer set when it got there", async () => {
  const { gc, timers, handle, states } = makeFunctions();
  await deletedRun();
  const call = { workspace: "default", actor: "user:owner", budgetMs: 1000 };

  const receipt = await gc.start(call, { grace_sec: 3600 });
  expect(timers).toMatchObject([{ atMs: receipt.freesAtMs, message: { body: { workspace: "default" } } }]);
  expect(await states()).toEqual(["trash"]);
  offset += 3_600_001;
  await handle(timers[0]?.message as Message);

  expect(await states()).toEqual(["freed"]);
});

test("a round does what a workspace's retention asks for, and frees what no timer told of", async () => {
  const { round, states } = makeFunctions();
  await deletedRun();
  await home.ask("PUT", "/api/v1/workspaces/default", { retention: { deleted_days: 1, grace_days: 1 } });

  await round();
  expect(await states()).toEqual(["freed"]);
  offset += 2 * DAY_MS;
  await makeFunctions().round();
  expect(await states()).toEqual(["trash", "freed"]);
  offset += 2 * DAY_MS;
  await makeFunctions().round();

  expect(await states()).toEqual(["freed", "freed"]);
});

test("goes on in another message with what the time was too short for", async () => {
  const sent: Message[] = [];
  const handlers = new Map<string, (delivery: Message & { attempt: number }) => Promise<void>>();
  const receipt = { workspace: "w", id: "r", state: "freeing" } as Receipt;
  let nowMs = 0;
  subscribeGc({
    bus: { send: async (messages) => void sent.push(...messages), subscribe: (...args) => void handlers.set(...args) },
    gc: {
      due: async () => [],
      retain: async () => undefined,
      advance: async ({ budgetMs }) => {
        nowMs += budgetMs;
        return receipt;
      },
    },
    workspaces: async () => [],
    clock: { now: () => nowMs },
    ids: home.ground.ids,
  });

  await handlers.get(GC_TOPICS.advance)?.({ topic: "", id: "", body: { workspace: "w", id: "r" }, attempt: 1 });

  expect(sent).toMatchObject([{ topic: GC_TOPICS.advance, body: { workspace: "w", id: "r" } }]);
});
