import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type CliOptions, yard } from "../helpers/cli.ts";
import { makeTempDir, until } from "../helpers/ports.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

const JOB = `command: sh count.sh \${{inputs.file}} \${{inputs.word}}
code: ./src
environment: azureml:python-3.11@latest
compute: local
inputs:
  file: {type: uri_file, path: "azureml://datastores/workspaceblobstore/paths/none"}
  word: plain
`;
const ARRIVALS = `name: arrivals
trigger: {type: file, path: azureml://datastores/incoming/paths/, pattern: "*.csv"}
create_job:
  job: ./job.yml
  inputs:
    file: {type: uri_file, path: "\${{trigger.uri}}"}
  tags: {file: "\${{trigger.name}}"}
`;
const NIGHTLY = `name: nightly
description: at night
trigger:
  type: recurrence
  frequency: week
  interval: 1
  schedule: {hours: 2, minutes: [0, 30], week_days: [monday, friday]}
  time_zone: W. Europe Standard Time
missed_runs: skip
create_job: ./job.yml
`;

/** A home, a folder that files arrive in, and specs. */
async function prepare() {
  const temp = makeTempDir();
  const server = await startServer();
  onTestFinished(async () => {
    await server.dispose();
    temp.remove();
  });
  for (const folder of ["src", "incoming"]) mkdirSync(join(temp.path, folder));
  const write = (name: string, text: string) => writeFileSync(join(temp.path, name), text);
  write("src/count.sh", 'wc -l < "$1"; echo "word $2"\n');
  write("job.yml", JOB);
  write("arrivals.yml", ARRIVALS);
  write("nightly.yml", NIGHTLY);
  write("store.yml", `name: incoming\ntype: local\npath: ${join(temp.path, "incoming")}\n`);
  return { server, write, json: asker(server, temp.path) };
}

const asker =
  (server: TestServer, cwd: string) =>
  async (argv: readonly string[], more: Partial<CliOptions> = {}) => {
    const env = { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() };
    const result = await yard([...argv, "-o", "json"], { cwd, ...more, env });
    expect(result, result.err).toMatchObject({ code: 0 });
    return result.out === "" ? undefined : JSON.parse(result.out);
  };

test("a file that arrives, also while the home is off, is what a job from a file runs on", {
  timeout: 120_000,
}, async () => {
  const { server, write, json } = await prepare();
  await json(["datastore", "create", "-f", "store.yml"]);
  write("incoming/old.csv", "1\n");
  await json(["schedule", "create", "-f", "arrivals.yml"]);
  const firings = () => json(["schedule", "firings", "-n", "arrivals"]);

  await server.stop();
  write("incoming/new.csv", "1\n2\n3\n");
  await server.start();
  const [fired] = await until(async () => {
    const found = await firings();
    return found[0]?.state === "done" ? found : undefined;
  }, "the file has fired");

  expect(fired.cause).toMatchObject({ type: "file", values: { path: "new.csv" } });
  const job = await until(async () => {
    const found = await json(["job", "show", "-n", fired.job]);
    return ["Completed", "Failed"].includes(found.status) ? found : undefined;
  }, "the job has ended");
  expect([job.status, job.tags.file, job.tags["schedule.name"]]).toEqual(["Completed", "new.csv", "arrivals"]);
  const { text } = await server.client.call((await import("../../src/contract/routes/jobs.ts")).jobs.log, {
    params: { workspace: "default", name: fired.job },
    query: {},
  });
  expect(text).toMatch(/^3\nword plain$/m);
  expect(await firings()).toHaveLength(1);
});

test("a schedule is made from Azure's file, shown, switched, fired by hand and deleted", {
  timeout: 120_000,
}, async () => {
  const { json } = await prepare();

  const made = await json(["schedule", "create", "-f", "nightly.yml", "--set", "display_name=Each night"]);
  expect(made).toMatchObject({
    display_name: "Each night",
    missed_runs: "skip",
    trigger: { frequency: "week", schedule: { minutes: [0, 30] } },
    create_job: { spec: { command: expect.stringContaining("count.sh"), code: expect.stringMatching(/^azureml:/) } },
  });
  const times = await json(["schedule", "next", "-n", "nightly", "--count", "4"]);
  expect(times.map(({ local }: { local: string }) => local.slice(11))).toEqual(["02:00", "02:30", "02:00", "02:30"]);
  expect(made.next_at).toBe(times[0].at);
  expect((await json(["schedule", "disable", "-n", "nightly"])).next_at).toBeUndefined();
  expect(await json(["schedule", "list", "--enabled-only"])).toEqual([]);
  expect((await json(["schedule", "enable", "-n", "nightly"])).next_at).toBe(made.next_at);
  expect(await json(["schedule", "update", "-n", "nightly", "--description", "new"])).toMatchObject({
    description: "new",
  });

  const firing = await json(["schedule", "trigger", "-n", "nightly"]);
  const job = await until(async () => {
    const [found] = await json(["schedule", "firings", "-n", "nightly"]);
    return found.job;
  }, "the job is submitted");
  expect(job).toBe(firing.id);
  await json(["job", "cancel", "-n", job]);
  await json(["schedule", "delete", "-n", "nightly", "--yes"]);
  expect(await json(["schedule", "list"])).toEqual([]);
});
