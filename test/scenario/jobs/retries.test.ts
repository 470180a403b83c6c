import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CommandJobSpec } from "../../../src/contract/jobs.ts";
import { computes } from "../../../src/contract/routes/places.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import {
  commandJob,
  getJob,
  isOver,
  runJob,
  startServer,
  submit,
  type TestServer,
  waitFor,
} from "../../helpers/server.ts";

const temporary = makeTempDir();
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.dispose();
  temporary.remove();
});

/** Fails until it has been run so often. */
const failing = (times: number, name: string) => {
  const file = join(temporary.path, name);
  return `echo x >> ${file}; test $(wc -l < ${file}) -gt ${times} || exit 3`;
};

test("a failed attempt is followed by another one, as often as the job says, with the reason", async () => {
  const job = await runJob(server, failing(2, "twice"), { limits: { max_retries: 2 } });

  expect(job.status).toBe("Completed");
  expect(job.attempts).toMatchObject([{ number: 1, exit_code: 3 }, { number: 2, exit_code: 3 }, { number: 3 }]);
  expect(job.history.map(({ reason }) => reason).join("\n")).toMatch(
    /attempt 2 begins \(retry 1 of 2\): attempt 1 failed: .*3(?:.|\n)*attempt 3 begins \(retry 2 of 2\): attempt 2 failed/,
  );
});

test("the last attempt's failure is the job's", async () => {
  const job = await runJob(server, failing(9, "often"), { limits: { max_retries: 1 } });

  expect(job).toMatchObject({ status: "Failed", exit_code: 3 });
  expect(job.attempts).toHaveLength(2);
});

test("of jobs that wait, those of a higher priority come first", async () => {
  await server.client.call(computes.put, {
    params: { workspace: "default", name: "local" },
    body: { type: "local", slots: 1 },
  });
  const go = join(temporary.path, "go");
  const on = (priority?: string): Partial<CommandJobSpec> => ({
    compute: "local",
    ...(priority === undefined ? {} : { queue_settings: { priority } }),
  });
  const first = await submit(server, commandJob(`until test -e ${go}; do sleep 0.1; done`, on()));
  const waiting: string[] = [];
  for (const priority of ["low", undefined, "high"])
    waiting.push((await submit(server, commandJob("true", on(priority)))).name);
  writeFileSync(go, "");

  const ended = [];
  for (const name of [first.name, ...waiting]) ended.push(await waitFor(server, name, isOver));
  const begun = ended.map(({ started_at }) => started_at ?? "");
  const [, low = "", medium = "", high = ""] = begun;
  expect([high, medium, low]).toEqual([high, medium, low].sort());
  expect(new Set(begun).size).toBe(4);
  expect((await getJob(server, waiting[2] ?? "")).warnings).toEqual([]);
});
