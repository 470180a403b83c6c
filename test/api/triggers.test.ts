import { expect, test } from "vitest";
import { data, files as fileRoutes, jobs, models, schedules } from "../../src/client/routes.ts";
import type { CreateJob } from "../../src/contract/jobs.ts";
import type { Trigger } from "../../src/contract/schedules.ts";
import { reportOf } from "../helpers/job-frame.ts";
import { expectCode } from "../helpers/ports.ts";
import { openScheduleFrame, type ScheduleFrame } from "../helpers/schedule-frame.ts";

const workspace = "default";
const named = (name: string) => ({ params: { workspace, name } });
const FOLDER = "azureml://datastores/workspaceblobstore/paths/incoming";

const echo = (value: string): CreateJob => ({
  spec: {
    type: "command",
    command: "echo ${{inputs.word}}",
    environment: "azureml:python-3.11",
    inputs: { word: { type: "string", value } },
  },
});

const on = (frame: ScheduleFrame, name: string, trigger: Trigger, word = "x") =>
  frame.client.call(schedules.put, { ...named(name), body: { trigger, create_job: echo(word) } });

const firings = async (frame: ScheduleFrame, name: string) =>
  (await frame.client.call(schedules.firings, named(name))).items;

/** Words that the jobs of a schedule were given, oldest first. */
async function words(frame: ScheduleFrame, name: string): Promise<unknown[]> {
  const fired = (await firings(frame, name)).toReversed();
  const found = await Promise.all(fired.map(({ job }) => frame.client.call(jobs.get, named(job ?? ""))));
  return found
    .map(({ spec }) => (spec.type === "command" ? spec.inputs?.word : undefined))
    .map((it) => it && "value" in it && it.value);
}

/** What was written has been seen, and all that comes of it is done. */
async function settle(frame: ScheduleFrame): Promise<void> {
  await frame.seen();
  await frame.post.deliver();
}

const write = (frame: ScheduleFrame, file: string, text: string) =>
  frame.client.call(fileRoutes.write, {
    params: { workspace },
    query: { uri: `${FOLDER}/${file}` },
    body: new TextEncoder().encode(text),
  });

async function look(frame: ScheduleFrame, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) await frame.lookForFiles();
  await frame.post.deliver();
}

test("a file that arrives fires once, when it is whole", async () => {
  const frame = await openScheduleFrame();
  await write(frame, "old.csv", "1");
  await on(
    frame,
    "arrivals",
    { type: "file", path: FOLDER, pattern: "**/*.csv" },
    "${{trigger.path}} ${{trigger.uri}}",
  );

  await write(frame, "a/new.csv", "1");
  await write(frame, "notes.txt", "1");
  await look(frame);
  expect(await firings(frame, "arrivals")).toEqual([]);
  await look(frame, 3);
  await write(frame, "old.csv", "22");
  await look(frame, 3);

  expect(await words(frame, "arrivals")).toEqual([`a/new.csv ${FOLDER}/a/new.csv`, `old.csv ${FOLDER}/old.csv`]);
});

test("a file that is still written waits; a cursor that was lost fires nothing twice", async () => {
  const frame = await openScheduleFrame();
  await on(frame, "arrivals", { type: "file", path: FOLDER });
  const cursor = "ws/default/watches/arrivals.json";
  const before = await frame.ground.objects.get(cursor);
  const kept = new Uint8Array(await new Response(before?.body).arrayBuffer());

  await write(frame, "big", "1");
  await look(frame);
  await write(frame, "big", "12");
  await look(frame);
  expect(await firings(frame, "arrivals")).toEqual([]);
  await look(frame);
  expect(await firings(frame, "arrivals")).toHaveLength(1);

  await frame.ground.objects.put(cursor, kept);
  await look(frame, 3);
  expect(await firings(frame, "arrivals")).toHaveLength(1);
});

test("a new version of data fires, by its name", async () => {
  const frame = await openScheduleFrame();
  await on(frame, "retrain", { type: "data", name: "train-*" }, "${{trigger.data}}");

  for (const name of ["train-set", "other"])
    await frame.client.call(data.create, { ...named(name), body: { path: FOLDER } });
  await settle(frame);

  expect(await words(frame, "retrain")).toEqual(["azureml:train-set:1"]);
});

test("a model that is registered, and one that is tagged", async () => {
  const frame = await openScheduleFrame();
  await on(frame, "registered", { type: "model", name: "m" }, "${{trigger.model}}");
  await on(
    frame,
    "approved",
    { type: "model", on: "tagged", tag: "stage=approved" },
    "${{trigger.model}} ${{trigger.value}}",
  );

  await write(frame, "model.bin", "1");
  const spec = { path: FOLDER, type: "custom_model" as const };
  await frame.client.call(models.create, { ...named("m"), body: spec });
  const change = (tags: Record<string, string>) =>
    frame.client.call(models.update, { params: { workspace, name: "m", version: "1" }, body: { tags } });
  await change({ stage: "testing" });
  await change({ stage: "approved" });
  await change({ stage: "approved", more: "yes" });
  await settle(frame);

  expect(await words(frame, "registered")).toEqual(["azureml:m:1"]);
  expect(await words(frame, "approved")).toEqual(["azureml:m:1 approved"]);
});

test("a job that ends fires, but not the schedule that it came of", async () => {
  const frame = await openScheduleFrame();
  await on(frame, "after", { type: "job", experiment_name: "train*", status: "Completed" }, "${{trigger.job}}");
  const run = async (name: string, experiment: string) => {
    const spec = { ...echo("x").spec, experiment_name: experiment } as CreateJob["spec"];
    await frame.client.call(jobs.put, { ...named(name), body: { spec } });
    await end(frame, name);
  };

  await run("first", "train-a");
  await run("second", "elsewhere");
  await settle(frame);

  expect(await words(frame, "after")).toEqual(["first"]);
  const [fired] = await firings(frame, "after");
  await on(frame, "again", { type: "job" });
  await end(frame, fired?.job ?? "");
  await settle(frame);
  expect(await firings(frame, "after")).toHaveLength(1);
  const [next] = await firings(frame, "again");
  expect(next?.cause.values.chain).toBe("after");
});

async function end(frame: ScheduleFrame, name: string): Promise<void> {
  await expect.poll(() => frame.machine.launched.map(({ runId }) => runId)).toContain(name);
  const runner = await frame.runner(name);
  const { runner: routes } = await import("../../src/client/routes.ts");
  for (const status of ["Running", "Completed"] as const)
    await runner.call(routes.report, {
      params: { workspace, run: name },
      body: reportOf(name, status, { exit_code: 0 }),
    });
}

test("what a laptop can't hear is refused", async () => {
  const frame = await openScheduleFrame();
  await expectCode(() => on(frame, "events", { type: "event", pattern: { source: ["aws.ec2"] } }), "NotSupported");
  await expectCode(() => frame.client.call(schedules.get, named("events")), "NotFound");
});
