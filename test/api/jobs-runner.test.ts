import { describe, expect, test } from "vitest";
import { AppError } from "../../src/contract/errors.ts";
import { jobs as routes } from "../../src/contract/routes/jobs.ts";
import { computes } from "../../src/contract/routes/places.ts";
import { runner as runnerRoutes } from "../../src/contract/routes/runner.ts";
import type { RunnerReport } from "../../src/contract/runner.ts";
import { type JobFrame, openJobFrame, reportOf } from "../helpers/job-frame.ts";
import { expectCode, until } from "../helpers/ports.ts";

const at = (name: string) => ({ workspace: "default", name });
const run = (name: string) => ({ workspace: "default", run: name });

async function submit(frame: JobFrame, name: string, more: object = {}) {
  return frame.client.call(routes.put, {
    params: at(name),
    body: { spec: { type: "command", command: "echo hello", environment: "python-3", ...more } },
  });
}

async function started(frame: JobFrame, name: string) {
  await submit(frame, name);
  const runner = await frame.runner(name);
  await until(() => frame.machine.launched.some((request) => request.runId === name), "the launch");
  const report = (status: RunnerReport["status"], more: Partial<RunnerReport> = {}) =>
    runner.call(runnerRoutes.report, { params: run(name), body: reportOf(name, status, more) });
  return { runner, report };
}

const append = (runner: Awaited<ReturnType<JobFrame["runner"]>>, name: string, offset: number, text: string) =>
  runner.raw(`/api/v1/workspaces/default/runs/${name}/log?name=user_logs/std_log.txt&offset=${offset}`, {
    method: "PUT",
    body: new TextEncoder().encode(text),
  });

const readLog = (frame: JobFrame, name: string, query: object = {}) =>
  frame.client.call(routes.log, { params: at(name), query });

describe("a runner", () => {
  test("gets its assignment, reports, and the job ends as it says", async () => {
    const frame = await openJobFrame();
    const { runner, report } = await started(frame, "one");

    const assignment = await runner.call(runnerRoutes.assignment, { params: run("one") });
    expect(await report("Preparing")).toEqual({ superseded: false });
    await report("Running");
    await report("Completed", { exit_code: 0 });
    const job = await frame.client.call(routes.get, { params: at("one") });

    expect(assignment).toMatchObject({
      attempt: "one.1",
      command: "echo hello",
      tracking_uri: "http://127.0.0.1:7878/w/default",
    });
    expect(job).toMatchObject({ status: "Completed", exit_code: 0, attempts: [{ id: "one.1", exit_code: 0 }] });
  });

  test("changes nothing by repeating itself, by coming late, or by speaking for another attempt", async () => {
    const frame = await openJobFrame();
    const { report } = await started(frame, "one");
    await report("Running");
    await report("Running");
    await report("Preparing");
    expect(await report("Failed", { attempt: "one.2" })).toEqual({ superseded: true });
    await report("Failed", { exit_code: 1, reason: "it broke" });

    expect(await report("Failed", { exit_code: 1, reason: "it broke" })).toEqual({ superseded: false });
    expect(await report("Running")).toEqual({ superseded: true });
    const job = await frame.client.call(routes.get, { params: at("one") });
    expect(job.history.map(({ status }) => status)).toEqual(["Queued", "Running", "Failed"]);
    expect(job.status_reason).toBe("it broke");
  });

  test("speaks for its own run only, and a person for none", async () => {
    const frame = await openJobFrame();
    const { runner } = await started(frame, "one");
    const other = runner.call(runnerRoutes.assignment, { params: run("two") });

    await expectCode(other, "Forbidden");
    await expectCode(frame.client.call(runnerRoutes.assignment, { params: run("one") }), "Forbidden");
    await expectCode(submit({ ...frame, client: runner }, "mine"), "Forbidden");
  });

  test("loses its token 15 minutes after the end", async () => {
    const frame = await openJobFrame();
    const { runner, report } = await started(frame, "one");
    await report("Completed");
    const ask = () => runner.call(routes.get, { params: at("one") });

    expect((await ask()).status).toBe("Completed");
    frame.now.ms += 15 * 60_000;
    await expectCode(ask(), "Unauthenticated");
  });

  test("hears of a cancel at once in its waiting heartbeat, and the job ends when it obeyed", async () => {
    const frame = await openJobFrame();
    const { runner, report } = await started(frame, "one");
    await report("Running");
    const waiting = runner.call(runnerRoutes.heartbeat, {
      params: run("one"),
      query: { wait_ms: 20_000 },
      body: { attempt: "one.1" },
    });
    const asked = await frame.client.call(routes.cancel, { params: at("one"), body: { reason: "enough" } });

    expect(asked.status).toBe("Running");
    expect(await waiting).toEqual({ superseded: false, cancel: { reason: "enough", by: "user:owner" } });
    await report("Canceled");
    expect(await frame.client.call(routes.get, { params: at("one") })).toMatchObject({
      status: "Canceled",
      status_reason: "enough",
    });
  });
});

describe("logs", () => {
  test("grow by offset: repeats are skipped, overlaps cut, gaps refused with the end", async () => {
    const frame = await openJobFrame();
    const { runner } = await started(frame, "one");
    await append(runner, "one", 0, "hello ");
    await append(runner, "one", 0, "hello ");
    await append(runner, "one", 3, "lo world");

    await expect(append(runner, "one", 50, "x")).rejects.toMatchObject({ code: "Conflict", details: { end: 11 } });
    expect(await readLog(frame, "one")).toMatchObject({ text: "hello world", next_offset: 11, complete: false });
  });

  test("are the same read in any pieces, from many small appends and large ones, before and after the end", async () => {
    const frame = await openJobFrame();
    const { runner, report } = await started(frame, "one");
    let written = "";
    for (let i = 0; i < 200; i++) {
      const text = i === 60 || i === 61 ? `${"z".repeat(70_000)}${i}\n` : `line ${i} äöü €\n`;
      await append(runner, "one", new TextEncoder().encode(written).byteLength, text);
      written += text;
    }
    const readAll = async (limit: number) => {
      let text = "";
      for (let offset = 0; ; ) {
        const page = await readLog(frame, "one", { offset, limit_bytes: limit });
        text += page.text;
        if (page.next_offset === offset) return text;
        offset = page.next_offset;
      }
    };
    const before = [await readAll(7_001), await readAll(1_000_000)];
    await report("Completed");

    expect(before[0] === written && before[1] === written).toBe(true);
    expect((await readAll(9_999)) === written).toBe(true);
    await expectCode(append(runner, "one", new TextEncoder().encode(written).byteLength, "late"), "Conflict");
    const artifact = await frame.ground.objects.get("ws/default/artifacts/0/one/artifacts/user_logs/std_log.txt");
    expect((await new Response(artifact?.body).text()) === written).toBe(true);
    expect((await frame.ground.objects.list({ prefix: "ws/default/logs/" })).objects).toEqual([]);
  });

  test("wake a waiting reader with the first byte, and with the end", async () => {
    const frame = await openJobFrame();
    const { runner, report } = await started(frame, "one");
    const first = readLog(frame, "one", { wait_ms: 20_000 });
    await append(runner, "one", 0, "x");
    const page = await first;
    const second = readLog(frame, "one", { offset: 1, wait_ms: 20_000 });
    await report("Completed");

    expect(page.text).toBe("x");
    expect(await second).toMatchObject({ text: "", complete: true, status: "Completed" });
  });

  test("have clean names", async () => {
    const frame = await openJobFrame();
    await started(frame, "one");

    for (const name of ["../x", "/etc/passwd", "a//b", "a/../b", "", "a\u0000b"]) {
      await expectCode(readLog(frame, "one", { name }), "InvalidPath");
    }
  });
});

describe("the machine", () => {
  const slots = (frame: JobFrame, count: number) =>
    frame.client.call(computes.put, { params: at("local"), body: { type: "local", slots: count } });

  test("takes as many jobs as it has slots, in the order they came", async () => {
    const frame = await openJobFrame();
    await slots(frame, 2);
    for (const name of ["a", "b", "c", "d"]) await submit(frame, name);
    await until(() => frame.machine.launched.length === 2, "two launches");
    const end = async (name: string) =>
      (await frame.runner(name)).call(runnerRoutes.report, { params: run(name), body: reportOf(name, "Completed") });
    await end("b");
    await until(() => frame.machine.launched.length === 3, "the third launch");

    expect(frame.machine.launched.map((request) => request.runId)).toEqual(["a", "b", "c"]);
    expect(await frame.client.call(routes.get, { params: at("d") })).toMatchObject({
      status: "Queued",
      status_reason: "2 jobs ahead; compute `local` runs 2 at a time",
    });
  });

  test("that lost a runner fails its job; what ended is tidied", async () => {
    const frame = await openJobFrame();
    await started(frame, "one");
    frame.machine.states.set("one.1", { state: "gone", reason: "the machine restarted" });
    frame.look();

    await until(() => frame.machine.cleaned.includes("one.1"), "the tidying");
    expect(await frame.client.call(routes.get, { params: at("one") })).toMatchObject({
      status: "Failed",
      status_reason: "the machine restarted",
    });
  });

  test("hands in the last word of a runner that could not deliver it", async () => {
    const frame = await openJobFrame();
    await started(frame, "one");
    const report = reportOf("one", "Completed", { exit_code: 0 });
    frame.machine.states.set("one.1", { state: "exited", report });
    frame.look();

    await until(() => frame.machine.cleaned.includes("one.1"), "the tidying");
    expect(await frame.client.call(routes.get, { params: at("one") })).toMatchObject({ status: "Completed" });
  });

  test("that can't take a job now is asked again; the job says why it waits", async () => {
    const frame = await openJobFrame();
    frame.machine.failure = new AppError("Unavailable", "machine `m` can't be reached");
    await submit(frame, "one");
    const job = await until(async () => {
      const shown = await frame.client.call(routes.get, { params: at("one") });
      return shown.status_reason?.includes("can't be reached") === true ? shown : undefined;
    }, "the reason");
    frame.machine.failure = undefined;
    frame.look();
    await until(() => frame.machine.launched.length === 1, "the launch");

    expect(job.status).toBe("Queued");
  });

  test("that refuses a job for good fails it", async () => {
    const frame = await openJobFrame();
    frame.machine.failure = new AppError("Forbidden", "machine `m` refused the credentials");
    await submit(frame, "one");
    const job = await until(async () => {
      const shown = await frame.client.call(routes.get, { params: at("one") });
      return shown.status === "Failed" ? shown : undefined;
    }, "the failure");

    expect(job.status_reason).toContain("refused the credentials");
  });

  test("is asked to end a runner that does not obey", async () => {
    const frame = await openJobFrame();
    const { report } = await started(frame, "one");
    await report("Running");
    await frame.client.call(routes.cancel, { params: at("one"), body: {} });
    frame.now.ms += 60_000;
    frame.look();

    await until(() => frame.machine.cancelled.includes("one.1"), "the order");
  });
});

describe("computes", () => {
  test("`local` is always there and can't be deleted; clusters need another home", async () => {
    const { client } = await openJobFrame();

    expect((await client.call(computes.list, { params: { workspace: "default" } })).items).toMatchObject([
      { name: "local", type: "local" },
    ]);
    await expectCode(client.call(computes.delete, { params: at("local") }), "NotSupported");
    await expectCode(client.call(computes.put, { params: at("big"), body: { type: "cluster" } }), "NotSupported");
    await expectCode(client.call(computes.put, { params: at("other"), body: { type: "local" } }), "InvalidArgument");
    await expectCode(client.call(computes.get, { params: at("nothing") }), "NotFound");
  });

  test("pages by name", async () => {
    const { client } = await openJobFrame();
    const machine = { host: "h", username: "u", host_key: `SHA256:${"a".repeat(43)}` };
    for (const name of ["m1", "m2", "m3"]) {
      await client.call(computes.put, { params: at(name), body: { type: "attached", ...machine } });
    }
    const list = (query: object) => client.call(computes.list, { params: { workspace: "default" }, query });
    const first = await list({ limit: 3 });
    const second = await list({ limit: 3, cursor: first.next_cursor });

    expect([...first.items, ...second.items].map((compute) => compute.name)).toEqual(["local", "m1", "m2", "m3"]);
    expect(second.next_cursor).toBeUndefined();
    await expectCode(list({ cursor: "?" }), "InvalidCursor");
  });
});
