import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeClient } from "../../../src/client/client.ts";
import { computes, files, jobs } from "../../../src/client/routes.ts";
import { type RunningServer, startServer } from "../../../src/local/server.ts";
import { readSettings } from "../../../src/local/settings.ts";
import { bundleRunner } from "../../helpers/containers.ts";
import { makeTempDir, until } from "../../helpers/ports.ts";
import { commandJob, isOver, readWholeLog, runJob, submit, waitFor } from "../../helpers/server.ts";

const temporary = makeTempDir();
const dataDir = join(temporary.path, ".trainyard");
let home: RunningServer;
const server = { client: makeClient({ url: () => home.url, token: () => home.token, retry: { attempts: 1 } }) };
const RUNNER = fileURLToPath(new URL("../../helpers/containers-runner.ts", import.meta.url));

beforeAll(async () => {
  const runnerFile = join(temporary.path, "runner.mjs");
  await bundleRunner(runnerFile);
  process.env.TRAINYARD_JOB_TEST_RUNNER = runnerFile;
  const tools = join(temporary.path, "bin");
  mkdirSync(tools);
  writeFileSync(join(tools, "nvidia-smi"), "#!/bin/sh\necho '0, 55, 1000, 2000, 70.5'\n", { mode: 0o755 });
  process.env.PATH = `${tools}:${process.env.PATH}`;
  const settings = readSettings(["--port", "0", "--data-dir", dataDir], {});
  home = await startServer({ ...settings, programs: { ...settings.programs, runner: RUNNER } });
  const slots = { type: "local" as const, slots: 8 };
  await server.client.call(computes.put, { params: { workspace: "default", name: "local" }, body: slots });
});
afterAll(async () => {
  await home?.close();
  temporary.remove();
});

const params = (name: string) => ({ workspace: "default", name });
const said = (name: string, words: string) =>
  until(async () => (await readWholeLog(server, name)).includes(words), words);
/** Process group of one of a job's containers. */
const groupOf = (job: string, container: string) =>
  -Number(readFileSync(join(dataDir, "runs", `default.${job}.1`, `${container}.pid`), "utf8"));

describe.concurrent("a job as three containers", () => {
  test("completes, with its output in order, its outputs, artifacts and environment", async () => {
    const command = [
      "echo one; echo two >&2",
      "echo $GREETING from $TRAINYARD_RUN_ID with $(cat ${{inputs.words}}/a.txt)",
      "echo 42 > ${{outputs.out}}/answer",
      "mkdir -p outputs && echo kept > outputs/kept.txt",
      "printf 'no end'",
    ].join("\n");
    await server.client.call(files.write, {
      params: { workspace: "default" },
      query: { uri: "azureml://datastores/workspaceblobstore/paths/words/a.txt" },
      body: new TextEncoder().encode("data"),
    });

    const job = await runJob(server, command, {
      inputs: { words: { type: "uri_folder", path: "azureml://datastores/workspaceblobstore/paths/words/" } },
      outputs: { out: { name: "made" } },
      environment_variables: { GREETING: 'it\'s "me" $HOME', "odd-name": "x" },
    });

    expect(job.history.map(({ status }) => status)).toEqual([
      "Queued",
      "Preparing",
      "Running",
      "Finalizing",
      "Completed",
    ]);
    expect(job).toMatchObject({ status: "Completed", exit_code: 0, outputs: { out: { asset: "azureml:made:1" } } });
    expect(await readWholeLog(server, job.name)).toBe(`one\ntwo\nit's "me" $HOME from ${job.name} with data\nno end`);
    const artifacts = await server.client.call(files.list, {
      params: { workspace: "default" },
      query: { uri: `azureml://jobs/${job.name}/outputs/artifacts/paths/outputs` },
    });
    expect(artifacts.items.map((file) => file.path)).toEqual(["kept.txt"]);
  });

  test("tells a failure by its exit code and last line", async () => {
    const job = await runJob(server, "echo before; exit 3");

    expect(job).toMatchObject({ status: "Failed", exit_code: 3 });
    expect(job.status_reason).toBe("the command ended with exit code 3: before");
  });

  test("has its machine's metrics, with those of GPUs that only its own container sees", async () => {
    const job = await runJob(server, "sleep 2");

    expect(job.metrics).toMatchObject({
      "system/gpu_0_utilization_percentage": 55,
      "system/gpu_0_memory_usage_percentage": 50,
    });
    expect(job.metrics["system/cpu_utilization_percentage"]).toBeGreaterThanOrEqual(0);
  });

  test("runs several ranks, and ends the others when one fails", async () => {
    const job = await runJob(server, 'if [ "$RANK" = 1 ]; then echo bad; exit 4; fi; sleep 600', {
      distribution: { type: "pytorch", process_count_per_instance: 2 },
    });

    expect(job).toMatchObject({ status: "Failed", exit_code: 4 });
    expect(job.status_reason).toContain("rank 1 ended with exit code 4");
    expect(await readWholeLog(server, job.name)).toContain("[rank 1] bad\n");
  });

  test("fails in words when preparing does, and starts nothing", async () => {
    const job = await runJob(server, "echo never", {
      inputs: { data: { type: "uri_folder", path: "azureml://datastores/workspaceblobstore/paths/absent/" } },
    });

    expect(job.status).toBe("Failed");
    expect(job.status_reason).toContain("absent");
    expect(await readWholeLog(server, job.name)).not.toContain("never");
  });

  test("sees that the command's container was killed", async () => {
    const { name } = await submit(server, commandJob("echo up; sleep 600"));
    await said(name, "up");

    process.kill(groupOf(name, "user"), "SIGKILL");

    const job = await waitFor(server, name, isOver);
    expect(job).toMatchObject({ status: "Failed", signal: "SIGKILL" });
  });

  test("is canceled while it runs: the command may say goodbye, and what it left is kept", async () => {
    const { name } = await submit(
      server,
      commandJob("trap 'echo bye; echo saved > outputs/left; exit 0' TERM; echo up; while :; do sleep 0.1; done"),
    );
    await said(name, "up");

    await server.client.call(jobs.cancel, { params: params(name), body: { reason: "enough" } });

    const job = await waitFor(server, name, isOver);
    expect(job).toMatchObject({ status: "Canceled", status_reason: "enough" });
    expect(await readWholeLog(server, name)).toContain("bye\n");
  });

  test("ends a command that doesn't listen", async () => {
    const job = await runJob(server, "trap '' TERM; (trap '' TERM; sleep 600) & wait; sleep 600", {
      limits: { timeout: 1 },
    });

    expect(job.status).toBe("Failed");
    expect(job.status_reason).toContain("longer than its limit of 1 s");
  });

  test("keeps quiet about an end that came from outside, and stores what there is", async () => {
    const { name } = await submit(
      server,
      commandJob("trap 'echo checkpoint > outputs/point; exit 1' TERM; echo up; while :; do sleep 0.1; done"),
    );
    await said(name, "up");

    // The machine goes: its containers are told one after the other.
    process.kill(-groupOf(name, "user"), "SIGTERM");

    const job = await waitFor(server, name, isOver);
    expect(job.status_reason).toContain("its runner is not running any more");
    const artifacts = await server.client.call(files.list, {
      params: { workspace: "default" },
      query: { uri: `azureml://jobs/${name}/outputs/artifacts/paths/outputs` },
    });
    expect(artifacts.items.map((file) => file.path)).toEqual(["point"]);
  });
});
