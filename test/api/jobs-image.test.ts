import { describe, expect, onTestFinished, test } from "vitest";
import { AppError } from "../../src/contract/errors.ts";
import { BUILD_LOG } from "../../src/contract/names.ts";
import { jobs as routes } from "../../src/contract/routes/jobs.ts";
import { runner as runnerRoutes } from "../../src/contract/routes/runner.ts";
import { yard } from "../helpers/cli.ts";
import { type JobFrame, openJobFrame, reportOf } from "../helpers/job-frame.ts";
import { makeTempDir, until } from "../helpers/ports.ts";

const at = (name: string) => ({ workspace: "default", name });
const get = (frame: JobFrame) => frame.client.call(routes.get, { params: at("one"), query: {} });

/** A job on a machine that needs an image. */
async function submit(frame: JobFrame): Promise<void> {
  const spec = { type: "command" as const, command: "echo hello", environment: "sklearn-1.5", compute: "local" };
  await frame.client.call(routes.put, { params: at("one"), body: { spec } });
}

const buildLog = async (frame: JobFrame) =>
  (await frame.client.call(routes.log, { params: at("one"), query: { name: BUILD_LOG } })).text;

describe("a job whose image is not there yet", () => {
  test("is Preparing, says why, shows the build's log as it grows, and is launched with the image", async () => {
    const frame = await openJobFrame({ needsImage: true });
    // The builder's log by position; the same `since` gives the same text again.
    const lines = ["step 1\n", "step 2 é\n", "step 3\n"];
    let done = false;
    frame.builder.answer = async ({ since = "0" }, onLog) => {
      const from = Number(since);
      const to = done ? lines.length : Math.min(from + 1, 2);
      for (const line of lines.slice(from, to)) onLog(line);
      if (done) return { state: "ready", hash: "h", ref: "images/it@sha256:1", cached: false };
      return { state: "building", hash: "h", reason: "the image is being built", since: String(to) };
    };
    await submit(frame);
    await until(async () => (await buildLog(frame)) === "step 1\n", "the log of a round");
    frame.look();
    await until(async () => (await buildLog(frame)) === "step 1\nstep 2 é\n", "the log of two rounds");
    const waiting = await get(frame);
    const launchedEarly = frame.machine.launched.length;
    done = true;
    frame.look();
    await until(() => frame.machine.launched.length === 1, "the launch");
    const runner = await frame.runner("one");
    const report = (status: "Preparing" | "Running") =>
      runner.call(runnerRoutes.report, {
        params: { workspace: "default", run: "one" },
        body: reportOf("one", status, { machine: { host: status } }),
      });
    frame.machine.states.set("one.1", { state: "starting", reason: "no machine is free" });
    frame.look();
    await until(async () => (await get(frame)).status_reason === "no machine is free", "what it waits for then");
    await report("Preparing");
    const prepared = await get(frame);
    await report("Running");

    expect(waiting).toMatchObject({ status: "Preparing", status_reason: "the image is being built" });
    expect(launchedEarly).toBe(0);
    expect(frame.machine.launched[0]).toMatchObject({ runId: "one", image: "images/it@sha256:1" });
    expect(frame.builder.asked[0]).toMatchObject({ workspace: "default", spec: { label: "sklearn-1.5" } });
    expect(frame.builder.asked[0]).not.toHaveProperty("since");
    expect(await buildLog(frame)).toBe(lines.join(""));
    expect(prepared).toMatchObject({
      status: "Preparing",
      properties: { host: "Preparing", "environment.image": "images/it@sha256:1" },
    });
    expect((await get(frame)).history.map(({ status }) => status)).toEqual(["Queued", "Preparing", "Running"]);
  });

  test("fails with the builder's reason, and keeps the log", async () => {
    const frame = await openJobFrame({ needsImage: true });
    frame.builder.answer = async (_request, onLog) => {
      onLog("no such package\n");
      throw new AppError("EnvironmentBuildFailed", "environment `sklearn-1.5`: its image could not be built");
    };
    await submit(frame);
    const job = await until(async () => {
      const shown = await get(frame);
      return shown.status === "Failed" ? shown : undefined;
    }, "the failure");

    expect(job.status_reason).toBe("environment `sklearn-1.5`: its image could not be built");
    expect(await buildLog(frame)).toBe("no such package\n");
    expect(frame.machine.launched).toEqual([]);
  });

  test("can be canceled meanwhile", async () => {
    const frame = await openJobFrame({ needsImage: true });
    frame.builder.answer = async () => ({ state: "building", hash: "h", reason: "wait", since: "1" });
    await submit(frame);
    await until(async () => (await get(frame)).status === "Preparing", "the build");
    await frame.client.call(routes.cancel, { params: at("one"), body: { reason: "enough" } });
    frame.look();
    const job = await until(async () => {
      const shown = await get(frame);
      return shown.status === "Canceled" ? shown : undefined;
    }, "the end");

    expect(job).toMatchObject({ status_reason: "enough" });
    expect(frame.machine.launched).toEqual([]);
  });

  test("waits when the builder can't be reached, and says so", async () => {
    const frame = await openJobFrame({ needsImage: true });
    frame.builder.answer = async () => ({ state: "building", hash: "h", reason: "wait", since: "1" });
    await submit(frame);
    await until(async () => (await get(frame)).status === "Preparing", "the build");
    frame.builder.answer = async () => {
      throw new AppError("Unavailable", "CodeBuild is throttled");
    };
    frame.look();
    await until(async () => (await get(frame)).status_reason?.includes("throttled"), "the reason");
    frame.builder.answer = async () => ({ state: "ready", hash: "h", ref: "images/it@sha256:1", cached: false });
    frame.look();
    await until(() => frame.machine.launched.length === 1, "the launch");
  });

  test("is followed on the command line with the build's log, which is not the command's", async () => {
    const frame = await openJobFrame({ needsImage: true });
    frame.builder.answer = async ({ since }, onLog) => {
      if (since === undefined) onLog("step 1\n");
      return { state: "building", hash: "h", reason: "the image is being built", since: "1" };
    };
    await submit(frame);
    await until(async () => (await buildLog(frame)) === "step 1\n", "the first line");
    const { url, token } = await frame.serve();
    const { path: cwd, remove } = makeTempDir();
    onTestFinished(remove);
    let seen = "";
    const following = yard(["job", "stream", "-n", "one"], {
      cwd,
      env: { TRAINYARD_URL: url, TRAINYARD_TOKEN: token },
      onErr: (text) => {
        seen += text;
      },
    });
    await until(() => seen.includes("step 1\n"), "the line on the terminal");
    frame.builder.answer = async (_request, onLog) => {
      onLog("step 2: no such package\n");
      throw new AppError("EnvironmentBuildFailed", "environment `sklearn-1.5`: the build failed");
    };
    frame.look();
    const { code, out, err } = await following;

    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toMatch(
      /^step 1\n(?:.*is being built\n)*step 2: no such package\n.*failed: environment `sklearn-1\.5`: the build failed/,
    );
  });
});
