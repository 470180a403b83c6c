import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import {
  activities,
  data,
  datastores,
  files as fileRoutes,
  jobs,
  members,
  schedules,
} from "../../src/client/routes.ts";
import type { CreateJob } from "../../src/contract/jobs.ts";
import type { ScheduleSpec } from "../../src/contract/schedules.ts";
import { createToken } from "../../src/core/access/tokens.ts";
import { openStores } from "../../src/home/stores.ts";
import { expectCode } from "../helpers/ports.ts";
import { openScheduleFrame, type ScheduleFrame } from "../helpers/schedule-frame.ts";

const NOON = Date.parse("2026-05-05T12:00:30.000Z");
const MINUTE = 60_000;
const workspace = "default";
const named = (name: string) => ({ params: { workspace, name } });
const ECHO: CreateJob = {
  spec: {
    type: "command",
    command: "echo ${{inputs.word}}",
    environment: "azureml:python-3.11",
    inputs: { word: { type: "string", value: "hi" } },
  },
};
const every = (expression: string, more: Partial<ScheduleSpec> = {}): ScheduleSpec => ({
  trigger: { type: "cron", expression },
  create_job: ECHO,
  ...more,
});

async function open(): Promise<ScheduleFrame> {
  const frame = await openScheduleFrame();
  frame.now.ms = NOON;
  return frame;
}

const put = (frame: ScheduleFrame, name: string, body: ScheduleSpec) =>
  frame.client.call(schedules.put, { ...named(name), body });
const firings = async (frame: ScheduleFrame, name: string) =>
  (await frame.client.call(schedules.firings, named(name))).items;
const allJobs = async (frame: ScheduleFrame) => (await frame.client.call(jobs.list, { params: { workspace } })).items;

test("submits a job every minute, once for each, whatever comes twice", async () => {
  const frame = await open();
  const made = await put(frame, "often", every("* * * * *"));
  expect(made.next_at).toBe("2026-05-05T12:01:00.000Z");

  await frame.post.passTo(NOON + 3 * MINUTE);
  frame.post.waiting.push({ topic: "schedules.round", id: "again", body: {} });
  await frame.post.deliver();

  const fired = await firings(frame, "often");
  expect(fired.map(({ cause, state }) => [cause.values.time, state])).toEqual([
    ["2026-05-05T12:03:00.000Z", "done"],
    ["2026-05-05T12:02:00.000Z", "done"],
    ["2026-05-05T12:01:00.000Z", "done"],
  ]);
  const submitted = await allJobs(frame);
  expect(submitted.map(({ name }) => name).sort()).toEqual(fired.map(({ job }) => job).sort());
  expect(submitted[0]?.tags).toMatchObject({
    "schedule.name": "often",
    "schedule.cause": "it was 2026-05-05T12:03:00.000Z",
  });
  const acts = await frame.client.call(activities.list, {
    params: { workspace },
    query: { resource: "schedule", action: "fire" },
  });
  expect(acts.items).toHaveLength(3);
});

test("fires nothing while it is switched off, and makes nothing up for that time", async () => {
  const frame = await open();
  await put(frame, "often", every("* * * * *", { missed_runs: "all" }));

  await frame.client.call(schedules.update, { ...named("often"), body: { is_enabled: false } });
  await frame.post.passTo(NOON + 10 * MINUTE);
  expect(await firings(frame, "often")).toEqual([]);
  expect((await frame.client.call(schedules.next, named("often"))).times).toEqual([]);

  const on = await frame.client.call(schedules.update, { ...named("often"), body: { is_enabled: true } });
  expect(on.next_at).toBe("2026-05-05T12:11:00.000Z");
  await frame.post.passTo(NOON + 11 * MINUTE);
  expect(await firings(frame, "often")).toHaveLength(1);
});

test("after hours off, one missed run is made up for, and the others are told", async () => {
  const frame = await open();
  await put(frame, "hourly", every("0 * * * *"));

  // Nothing runs meanwhile; then the home looks for what it lost.
  frame.now.ms = NOON + 200 * MINUTE;
  frame.post.waiting.push({ topic: "schedules.round", id: "start", body: {} });
  await frame.post.deliver();

  const fired = await firings(frame, "hourly");
  expect(fired.map(({ cause }) => cause.values.time)).toEqual(["2026-05-05T15:00:00.000Z"]);
  const shown = await frame.client.call(schedules.get, named("hourly"));
  expect(shown).toMatchObject({ skipped: 2, next_at: "2026-05-05T16:00:00.000Z", last: { state: "done" } });
});

test("makes up for as many as fit, in one transaction; a clock that was set back fires nothing twice", async () => {
  const frame = await open();
  await put(frame, "often", every("* * * * *", { missed_runs: "all" }));
  const round = async () => {
    frame.post.waiting.push({ topic: "schedules.round", id: "round", body: {} });
    await frame.post.deliver();
  };

  frame.now.ms = NOON + 600 * MINUTE;
  await round();
  const fired = await firings(frame, "often");
  expect(fired).toHaveLength(45);
  frame.now.ms = NOON + 590 * MINUTE;
  for (const is_enabled of [false, true])
    await frame.client.call(schedules.update, { ...named("often"), body: { is_enabled } });
  frame.now.ms = NOON + 601 * MINUTE;
  await round();

  const causes = (await firings(frame, "often")).map(({ cause }) => cause.id);
  expect(causes).toHaveLength(46);
  expect(new Set(causes).size).toBe(46);
});

test("does what a lost message asked for, in the next round", async () => {
  const frame = await open();
  await put(frame, "manual", every("0 0 1 1 *"));
  await frame.client.call(schedules.trigger, { ...named("manual"), body: {} });
  frame.post.waiting.length = 0;
  expect(await allJobs(frame)).toEqual([]);

  frame.post.waiting.push({ topic: "schedules.round", id: "round", body: {} });
  await frame.post.deliver();

  expect(await allJobs(frame)).toHaveLength(1);
  expect(await firings(frame, "manual")).toMatchObject([{ state: "done", cause: { type: "manual" } }]);
  expect((await frame.client.call(schedules.get, named("manual"))).last).toMatchObject({ state: "done" });
});

test("fills in what a cause says, and refuses what it does not", async () => {
  const frame = await open();
  const word = (value: string): CreateJob => ({
    spec: { ...ECHO.spec, inputs: { word: { type: "string", value } } } as CreateJob["spec"],
  });
  const fills = word("${{trigger.color}} at ${{creation_context.trigger_time}} in ${{name}}");
  await put(frame, "filled", every("0 0 1 1 *", { create_job: fills }));

  await frame.client.call(schedules.trigger, { ...named("filled"), body: { values: { color: "red" } } });
  await frame.client.call(schedules.trigger, { ...named("filled"), body: {} });
  await frame.post.deliver();

  const [failed, done] = await firings(frame, "filled");
  expect(failed).toMatchObject({ state: "failed", reason: "a cause of type `manual` has no `color`" });
  const job = await frame.client.call(jobs.get, named(done?.job ?? ""));
  expect(job.spec).toMatchObject({ inputs: { word: { value: `red at ${done?.cause.values.time} in ${done?.id}` } } });
  const acts = await frame.client.call(activities.list, {
    params: { workspace },
    query: { resource: "schedule", action: "fail" },
  });
  expect(acts.items).toHaveLength(1);
});

test("submits a job of the workspace again, with what is said anew", async () => {
  const frame = await open();
  await frame.client.call(jobs.put, { ...named("first"), body: ECHO });
  const again = {
    job: "azureml:first",
    overrides: { inputs: { word: { type: "string", value: "ho" } }, experiment_name: "nightly" },
  };

  await put(frame, "again", every("* * * * *", { create_job: again }));
  await frame.post.passTo(NOON + MINUTE);

  const [fired] = await firings(frame, "again");
  const job = await frame.client.call(jobs.get, named(fired?.job ?? ""));
  expect(job).toMatchObject({
    experiment_name: "nightly",
    spec: { command: ECHO.spec.type === "command" ? ECHO.spec.command : "", inputs: { word: { value: "ho" } } },
  });
});

test("submits a pipeline as any other job", async () => {
  const frame = await open();
  const step = { type: "command" as const, command: "echo ${{inputs.word}}", environment: "azureml:python-3.11" };
  const spec = {
    type: "pipeline" as const,
    inputs: { word: { type: "string" as const, value: "${{trigger.color}}" } },
    jobs: { a: { ...step, inputs: { word: "${{parent.inputs.word}}" } } },
  };
  await put(frame, "piped", every("0 0 1 1 *", { create_job: { spec } as CreateJob }));

  await frame.client.call(schedules.trigger, { ...named("piped"), body: { values: { color: "red" } } });
  await frame.post.deliver();

  const [fired] = await firings(frame, "piped");
  expect(fired).toMatchObject({ state: "done" });
  const job = await frame.client.call(jobs.get, named(fired?.job ?? ""));
  expect([job.type, job.tags["schedule.name"]]).toEqual(["pipeline", "piped"]);
  expect(job.spec).toMatchObject({ inputs: { word: { value: "red" } } });
});

test("works in the name of who made it, as long as they may", async () => {
  const frame = await open();
  const params = { workspace, name: "ann" };
  await frame.client.call(members.put, { params, body: { role: "contributor" } });
  const stores = openStores(frame.ground);
  const caller = { kind: "user" as const, name: "user:ann", grants: await stores.members.grantsOf("ann") };
  const { token } = await createToken({ ...frame.ground, ...stores }, { caller, name: "own", days: 30 });
  const ann = frame.as(token);
  await ann.call(schedules.put, { ...named("hers"), body: every("* * * * *") });
  await frame.post.passTo(NOON + MINUTE);

  await frame.client.call(members.put, { params, body: { role: "reader" } });
  await frame.post.passTo(NOON + 2 * MINUTE);

  const [refused, done] = await firings(frame, "hers");
  expect([done?.state, refused?.state, refused?.reason]).toEqual([
    "done",
    "failed",
    "`user:ann`, in whose name it works, may not create jobs here any more",
  ]);
  const { created_by } = await frame.client.call(jobs.get, named(done?.job ?? ""));
  expect(created_by).toBe("user:ann");
  await expectCode(() => ann.call(schedules.update, { ...named("hers"), body: { is_enabled: true } }), "Forbidden");
});

test("finds what is wrong when the schedule is made", async () => {
  const frame = await open();
  const env: CreateJob = { spec: { ...ECHO.spec, environment: "azureml:nothing:1" } as CreateJob["spec"] };
  await expectCode(() => put(frame, "bad", every("* * * * *", { create_job: env })), "NotFound");
  await expectCode(() => put(frame, "bad", every("* * * *")), "InvalidArgument");
  await expectCode(() => put(frame, "bad", every("* * * * *", { create_job: { job: "azureml:nothing" } })), "NotFound");
  await expectCode(
    () => put(frame, "bad", { trigger: { type: "cron", expression: "* * * * *" }, refresh_data: { name: "nothing" } }),
    "NotFound",
  );
  expect((await frame.client.call(schedules.list, { params: { workspace } })).items).toEqual([]);
});

test("forgets a deleted schedule and its firings, not its jobs", async () => {
  const frame = await open();
  await put(frame, "often", every("* * * * *"));
  await frame.post.passTo(NOON + MINUTE);

  await frame.client.call(schedules.delete, named("often"));
  await frame.post.passTo(NOON + 5 * MINUTE);

  await expectCode(() => frame.client.call(schedules.get, named("often")), "NotFound");
  expect(await allJobs(frame)).toHaveLength(1);
  await put(frame, "often", every("* * * * *"));
  expect(await firings(frame, "often")).toEqual([]);
});

test("a webhook's request fires once; a bad signature, an old one and a replay do not", async () => {
  const frame = await open();
  const fills: CreateJob = {
    spec: { ...ECHO.spec, inputs: { word: { type: "string", value: "${{trigger.branch}}" } } } as CreateJob["spec"],
  };
  const made = await put(frame, "hook", { trigger: { type: "webhook" }, create_job: fills });
  const secret = made.webhook_secret ?? "";
  expect((await frame.client.call(schedules.get, named("hook"))).webhook_secret).toBeUndefined();
  const { url } = await frame.serve();
  const body = JSON.stringify({ branch: "main" });
  const sign = (key: string, ageSec = 0, text = body) => {
    const time = Math.floor(frame.now.ms / 1000) - ageSec;
    return `t=${time},v1=${createHmac("sha256", key).update(`${time}.${text}`).digest("hex")}`;
  };
  const call = async (signature: string | undefined, name = "hook") => {
    const headers: Record<string, string> = signature === undefined ? {} : { "x-trainyard-signature": signature };
    return (
      await fetch(`${url}/api/v1/workspaces/default/schedules/${name}/webhook`, { method: "POST", headers, body })
    ).status;
  };

  const good = sign(secret);
  expect(await call(good)).toBe(202);
  expect(await call(good)).toBe(409);
  expect(await call(sign("another secret"))).toBe(401);
  expect(await call(sign(secret, 0, "{}"))).toBe(401);
  expect(await call(sign(secret, 400))).toBe(401);
  expect(await call(undefined)).toBe(401);
  expect(await call(good, "nothing")).toBe(401);
  await frame.post.deliver();

  const [fired, ...others] = await firings(frame, "hook");
  expect(others).toEqual([]);
  const job = await frame.client.call(jobs.get, named(fired?.job ?? ""));
  expect(job.spec).toMatchObject({ inputs: { word: { value: "main" } } });
});

test("refreshes data on a schedule: a version for each change, with what came and went", async () => {
  const frame = await open();
  const path = "azureml://datastores/workspaceblobstore/paths/incoming";
  const write = async (file: string, text: string) =>
    frame.client.call(fileRoutes.write, {
      params: { workspace },
      query: { uri: `${path}/${file}` },
      body: new TextEncoder().encode(text),
    });
  await write("a.csv", "1");
  await write("b.csv", "2");
  await frame.client.call(data.create, { ...named("incoming"), body: { path } });
  await put(frame, "refresh", {
    trigger: { type: "cron", expression: "* * * * *" },
    refresh_data: { name: "incoming" },
  });

  await frame.post.passTo(NOON + MINUTE);
  await write("c.csv", "3");
  await frame.post.passTo(NOON + 2 * MINUTE);
  await write("b.csv", "22");
  await frame.ground.objects.delete(["ws/default/datastore/incoming/a.csv"]);
  await frame.post.passTo(NOON + 4 * MINUTE);

  const fired = await firings(frame, "refresh");
  expect(fired.map(({ data: made, reason }) => [made, reason])).toEqual([
    [undefined, "its files are as they were"],
    ["azureml:incoming:3", "0 added, 1 changed, 1 removed"],
    ["azureml:incoming:2", "3 files"],
    [undefined, "its files are as they were"],
  ]);
  const latest = await frame.client.call(data.get, { params: { workspace, name: "incoming", version: "@latest" } });
  expect(latest.changes).toEqual({
    added: { count: 0, paths: [] },
    changed: { count: 1, paths: ["b.csv"] },
    removed: { count: 1, paths: ["a.csv"] },
  });
  expect(latest).toMatchObject({ path, file_count: 2, size_bytes: 3 });
  expect((await frame.client.call(datastores.list, { params: { workspace } })).items).toHaveLength(1);
});
