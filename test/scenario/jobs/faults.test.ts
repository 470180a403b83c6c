import { execFile } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { jobs as routes } from "../../../src/contract/routes/jobs.ts";
import { computes } from "../../../src/contract/routes/places.ts";
import { killRounds } from "../../helpers/kill-rounds.ts";
import { until } from "../../helpers/ports.ts";
import {
  commandJob,
  getJob,
  isOver,
  readWholeLog,
  startServer,
  submit,
  type TestServer,
  waitFor,
} from "../../helpers/server.ts";

const MAIN = fileURLToPath(new URL("../../../src/local/main.ts", import.meta.url));

async function serve(): Promise<TestServer> {
  const server = await startServer();
  onTestFinished(() => server.dispose());
  return server;
}

test("kill -9 under load loses nothing that was acknowledged, and runs no job twice", async () => {
  const report = await killRounds(await serve(), 4);

  expect(report).toMatchObject({ lostJobs: [], doubledJobs: [], brokenLogs: [], lostPoints: [] });
  expect(report.jobs).toBe(8);
  expect(report.points).toBeGreaterThan(0);
});

test("a job outlives a server that is stopped, and is found again by the next one", async () => {
  const server = await serve();
  const gate = join(server.dir, "gate");
  const { name } = await submit(
    server,
    commandJob(`echo started; until [ -e '${gate}' ]; do sleep 0.05; done; echo ended`),
  );
  await until(async () => (await readWholeLog(server, name)).includes("started\n"), "the command to run");

  expect(await server.stop()).toBe(0);
  writeFileSync(gate, "");
  await server.start();
  const job = await waitFor(server, name, isOver);

  expect(job.status).toBe("Completed");
  expect(await readWholeLog(server, name)).toContain("started\nended\n");
});

test("jobs beyond the slots wait, say why, and run first come, first served", async () => {
  const server = await serve();
  await server.client.call(computes.put, {
    params: { workspace: "default", name: "local" },
    body: { type: "local", slots: 1 },
  });
  const gate = join(server.dir, "gate");
  await submit(server, commandJob(`until [ -e '${gate}' ]; do sleep 0.05; done`), "first");
  await waitFor(server, "first", (job) => job.status === "Running");
  for (const name of ["second", "third", "fourth"]) await submit(server, commandJob("true"), name);
  const before = await getJob(server, "fourth");
  const third = await server.client.call(routes.cancel, { params: { workspace: "default", name: "third" }, body: {} });
  const after = await getJob(server, "fourth");
  const compute = await server.client.call(computes.get, { params: { workspace: "default", name: "local" } });
  writeFileSync(gate, "");
  const [second, fourth] = [await waitFor(server, "second", isOver), await waitFor(server, "fourth", isOver)];

  expect(before.status_reason).toBe("3 jobs ahead; compute `local` runs 1 at a time");
  expect(after.status_reason).toBe("2 jobs ahead; compute `local` runs 1 at a time");
  expect(third).toMatchObject({ status: "Canceled", attempts: [] });
  expect(compute).toMatchObject({ running: 1, waiting: 2, slots: 1 });
  expect(Date.parse(second.ended_at ?? "")).toBeLessThanOrEqual(Date.parse(fourth.started_at ?? ""));
});

test("a second server on the same folder, and one on a port that is taken, are refused in plain words", async () => {
  const server = await serve();
  const port = new URL(server.url()).port;
  const start = (args: string[]) =>
    promisify(execFile)(process.execPath, [MAIN, ...args]).then(
      () => ({ code: 0, stderr: "" }),
      (error: { code: number; stderr: string }) => error,
    );
  const sameFolder = await start(["--port", "0", "--data-dir", server.dir]);
  const samePort = await start(["--port", port, "--data-dir", join(server.dir, "other")]);

  expect(sameFolder.code).toBe(5);
  expect(sameFolder.stderr).toContain(`is served by process \`${server.pid()}\``);
  expect(samePort.code).toBe(5);
  expect(samePort.stderr).toMatch(new RegExp(`port ${port} is taken[^]*--port`));
});

test("the server's file is its owner's only, and goes with the server", async () => {
  const server = await serve();
  const path = join(server.dir, "server.json");
  const facts = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(facts).toMatchObject({ url: server.url(), pid: server.pid() });
  expect(await server.stop()).toBe(0);
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
});
