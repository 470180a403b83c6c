import { describe, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import type { Job } from "../../src/contract/jobs.ts";
import { jobs as routes } from "../../src/contract/routes/jobs.ts";
import { runner as runnerRoutes } from "../../src/contract/routes/runner.ts";
import type { RunnerReport } from "../../src/contract/runner.ts";
import type { LaunchState } from "../../src/core/ports/launcher.ts";
import { type JobFrame, openJobFrame, reportOf } from "../helpers/job-frame.ts";
import { until } from "../helpers/ports.ts";

const LOST: LaunchState = { state: "exited", reason: "Host EC2 (instance i-1) terminated.", interrupted: true };
const params = { workspace: "default", name: "one" };

async function launched(frame: JobFrame, attempt: number): Promise<Client> {
  await until(() => frame.machine.launched.some((request) => request.attemptId === `one.${attempt}`), "the launch");
  return frame.runner("one");
}

async function submitted(): Promise<JobFrame> {
  const frame = await openJobFrame();
  const spec = { type: "command" as const, command: "echo hello", environment: "python-3" };
  await frame.client.call(routes.put, { params, body: { spec } });
  return frame;
}

async function becomes(frame: JobFrame, is: (job: Job) => boolean): Promise<Job> {
  frame.look();
  return until(async () => {
    const job = await frame.client.call(routes.get, { params });
    return is(job) ? job : undefined;
  }, "the job to change");
}

const tell = (runner: Client, attempt: number, status: RunnerReport["status"], more: Partial<RunnerReport> = {}) =>
  runner.call(runnerRoutes.report, {
    params: { workspace: "default", run: "one" },
    body: reportOf("one", status, { attempt: `one.${attempt}`, ...more }),
  });

const write = (runner: Client, text: string) =>
  runner.raw("/api/v1/workspaces/default/runs/one/log?name=user_logs/std_log.txt&offset=0", {
    method: "PUT",
    body: new TextEncoder().encode(text),
  });

describe("a job whose machine goes away", () => {
  test("goes on with a new attempt of the same run, and nothing of the first is lost", async () => {
    const frame = await submitted();
    const first = await launched(frame, 1);
    await tell(first, 1, "Running");
    await write(first, "one\n");

    frame.machine.states.set("one.1", LOST);
    const waiting = await becomes(frame, ({ attempts }) => attempts.length === 2);
    const second = await launched(frame, 2);
    const late = await tell(first, 1, "Completed");
    await write(second, "two\n");
    await tell(second, 2, "Running");
    await tell(second, 2, "Completed", { exit_code: 0 });
    const done = await becomes(frame, ({ status }) => status === "Completed");

    expect(waiting).toMatchObject({ status: "Queued", status_reason: `attempt 2 begins: ${LOST.reason}` });
    expect(late).toEqual({ superseded: true });
    expect(done.attempts).toMatchObject([
      { id: "one.1", reason: LOST.reason },
      { id: "one.2", exit_code: 0 },
    ]);
    expect(done.history.map(({ status }) => status)).toEqual(["Queued", "Running", "Queued", "Running", "Completed"]);
    const log = await frame.client.call(routes.log, { params, query: {} });
    const rest = await frame.client.call(routes.log, { params, query: { offset: log.next_offset } });
    expect([log.text, rest.text, rest.complete]).toEqual(["one\n", "two\n", true]);
    frame.machine.states.set("one.2", { state: "exited" });
    await until(() => frame.machine.cleaned.length === 2, "both attempts to be tidied");
  });

  test("ends as canceled where it was to be canceled", async () => {
    const frame = await submitted();
    await tell(await launched(frame, 1), 1, "Running");
    await frame.client.call(routes.cancel, { params, body: {} });

    frame.machine.states.set("one.1", LOST);

    expect((await becomes(frame, ({ status }) => status === "Canceled")).attempts).toHaveLength(1);
  });
});

describe("a job that is launched and has not begun", () => {
  test("says why, as its machine tells, until it begins", async () => {
    const frame = await submitted();
    const runner = await launched(frame, 1);
    frame.machine.states.set("one.1", { state: "starting", reason: "AWS has no such machines now" });

    const waiting = await becomes(frame, (job) => job.status_reason === "AWS has no such machines now");
    await tell(runner, 1, "Running");

    expect(waiting.status).toBe("Queued");
    expect((await becomes(frame, ({ status }) => status === "Running")).status_reason).toBeUndefined();
  });

  test("is canceled through its machine at once: nobody is there to obey", async () => {
    const frame = await submitted();
    await launched(frame, 1);
    frame.machine.states.set("one.1", { state: "starting" });

    await frame.client.call(routes.cancel, { params, body: {} });
    frame.look();

    await until(() => frame.machine.cancelled.includes("one.1"), "the machine to be told");
    frame.machine.states.set("one.1", { state: "exited", reason: "canceled by owner" });
    await becomes(frame, ({ status }) => status === "Canceled");
  });
});
