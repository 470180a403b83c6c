import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { handleOf, makeLocalLauncher } from "../../../../src/adapters/local/launcher.ts";
import { environmentForJobs } from "../../../../src/adapters/local/launcher-env.ts";
import type { LaunchRequest } from "../../../../src/core/ports/launcher.ts";
import { makeTempDir, until } from "../../../helpers/ports.ts";

/** A stand-in for the runner: notes each start, its environment and request, then waits to be ended; attempts of `quick` runs are done at once. */
const RUNNER = `
import { appendFileSync, writeFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
process.on("SIGTERM", () => process.exit(0));
for await (const line of createInterface({ input: process.stdin })) {
  const { cacheDir, folder, attemptId } = JSON.parse(line);
  const isQuick = attemptId.startsWith("quick");
  appendFileSync(join(cacheDir, "starts"), attemptId + "\\n");
  appendFileSync(join(cacheDir, "pids"), process.pid + "\\n");
  writeFileSync(join(folder, "env.json"), JSON.stringify(process.env));
  const phase = isQuick ? "Done" : "Running";
  if (isQuick) writeFileSync(join(folder, "final.json"), JSON.stringify({ attempt: attemptId, exit_code: 0 }));
  writeFileSync(join(folder, "new"), JSON.stringify({ pid: process.pid, phase }));
  renameSync(join(folder, "new"), join(folder, "runner.json"));
  if (isQuick) process.stdout.write("done\\n");
  else await new Promise(() => setInterval(() => undefined, 1000));
}
`;

function setUp(options: { standby?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const temporary = makeTempDir();
  const program = join(temporary.path, "runner.mjs");
  writeFileSync(program, RUNNER);
  const launcher = makeLocalLauncher({
    program,
    dataDir: temporary.path,
    serverFile: join(temporary.path, "server.json"),
    env: options.env ?? process.env,
    standby: options.standby ?? false,
  });
  const handles = new Set<string>();
  onTestFinished(async () => {
    launcher.close();
    for (const handle of handles) await launcher.cancel(handle, 0.1);
    await until(async () => {
      const states = await Promise.all([...handles].map((handle) => launcher.inspect(handle)));
      return states.every(({ state }) => state === "gone" || state === "exited");
    }, "the end of the runners");
    temporary.remove();
  });
  const launch = async (attemptId: string) => {
    const { handle } = await launcher.launch(requestOf(attemptId));
    handles.add(handle);
    return handle;
  };
  const starts = () =>
    existsSync(join(temporary.path, "starts")) ? readFileSync(join(temporary.path, "starts"), "utf8") : "";
  return { dir: temporary.path, launcher, launch, starts };
}

function requestOf(attemptId: string): LaunchRequest {
  return {
    attemptId,
    workspace: "default",
    runId: attemptId.slice(0, attemptId.lastIndexOf(".")),
    apiUrl: "http://127.0.0.1:1",
    runToken: "token",
    compute: { name: "local", type: "local", settings: {} },
    resources: { instanceCount: 1 },
  };
}

describe("a launch", () => {
  test("is not repeated for a runner that is dead, whose last word is told", async () => {
    const { dir, launcher, launch, starts } = setUp();
    const handle = await launch("one.1");
    await until(async () => (await launcher.inspect(handle)).state === "running", "the runner");
    await launcher.cancel(handle, 1);
    const gone = await until(async () => {
      const state = await launcher.inspect(handle);
      return state.state === "gone" ? state : undefined;
    }, "its end");
    await launch("one.1");
    const report = { attempt: "one.1", status: "Completed", at: "2026-01-01T00:00:00.000Z" };
    writeFileSync(join(dir, "runs", handle, "final.json"), JSON.stringify(report));

    expect(gone.reason).toContain("not running any more");
    expect(starts()).toBe("one.1\n");
    expect(await launcher.inspect(handle)).toEqual({ state: "exited", report });
    await launcher.cleanup(handle);
    expect(existsSync(join(dir, "runs", handle))).toBe(false);
  });

  test("goes to a runner that is free, each doing one at a time; where none is, to another", async () => {
    const { dir, launcher, launch, starts } = setUp({ standby: true });
    const over = (handle: string) => until(async () => (await launcher.inspect(handle)).state === "exited", handle);
    const running = (handle: string) => until(async () => (await launcher.inspect(handle)).state === "running", handle);
    await over(await launch("quick1.1"));
    await over(await launch("quick2.1"));
    const slow = await launch("slow.1");
    await running(slow);
    await over(await launch("quick3.1"));
    const [slowPid] = readFileSync(join(dir, "pids"), "utf8").split("\n").slice(2);
    await launcher.cancel(slow, 60);
    await until(async () => (await launcher.inspect(slow)).state === "gone", "its end");
    await over(await launch("quick4.1"));

    expect(starts()).toBe("quick1.1\nquick2.1\nslow.1\nquick3.1\nquick4.1\n");
    const pids = readFileSync(join(dir, "pids"), "utf8").trim().split("\n");
    expect(pids.slice(3)).not.toContain(slowPid);
    expect(new Set(pids).size).toBeLessThan(5);
  });

  test("is not ended with an earlier attempt of its runner", async () => {
    const { launcher, launch } = setUp({ standby: true });
    const first = await launch("quick1.1");
    await until(async () => (await launcher.inspect(first)).state === "exited", "the first");
    const second = await launch("slow.1");
    await until(async () => (await launcher.inspect(second)).state === "running", "the second");
    await launcher.cancel(first, 0);
    const third = await launch("quick2.1");
    await until(async () => (await launcher.inspect(third)).state === "exited", "another");

    expect((await launcher.inspect(second)).state).toBe("running");
  });

  test("gives a job nothing of the server's that may be secret", async () => {
    const env = {
      PATH: process.env.PATH,
      HOME: "/home/x",
      AWS_SECRET_ACCESS_KEY: "s",
      TRAINYARD_TOKEN: "t",
      MY_API_KEY: "k",
    };
    const { dir, launcher, launch } = setUp({ env });
    const handle = await launch("one.1");
    await until(async () => (await launcher.inspect(handle)).state === "running", "the runner");
    const seen = JSON.parse(readFileSync(join(dir, "runs", handle, "env.json"), "utf8")) as Record<string, string>;

    expect(seen.HOME).toBe("/home/x");
    expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(["AWS_SECRET_ACCESS_KEY"]));
    expect(Object.keys(seen).filter((name) => /SECRET|TOKEN|API_KEY/.test(name))).toEqual([]);
  });
});

test("handles tell workspaces apart and fit into a file name", () => {
  const long = `${"n".repeat(256)}.1`;

  expect(handleOf("a", "b.1")).not.toBe(handleOf("b", "a.1"));
  expect(handleOf("a", long).length).toBeLessThan(255);
  expect(handleOf("a", long)).not.toBe(handleOf("a", `${"n".repeat(255)}m.1`));
});

test("what is passed to jobs: programs, network and locale, by name", () => {
  const env = { PATH: "p", https_proxy: "x", LC_ALL: "c", SSL_CERT_FILE: "f", GITHUB_TOKEN: "g", DATABASE_URL: "d" };

  expect(environmentForJobs(env)).toEqual({ PATH: "p", https_proxy: "x", LC_ALL: "c", SSL_CERT_FILE: "f" });
});
