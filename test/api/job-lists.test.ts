import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { JobStatus } from "../../src/contract/jobs.ts";
import { openStores, type Stores } from "../../src/home/stores.ts";
import { jobCardKey, jobKey, jobList } from "../../src/store/facts/keys.ts";
import { jobRecord, newJobRun } from "../helpers/job-record.ts";
import { type MeteredHome, openMeteredHome } from "../helpers/metered-home.ts";

const DEED = { actor: "user:owner", action: "create", summary: "a job" };

let home: MeteredHome;
let stores: Stores;
let names = 0;
let job: string;
beforeAll(async () => {
  home = await openMeteredHome();
  stores = openStores(home.ground);
  // The first request makes what every home has.
  await list();
});
afterAll(() => home.close());
beforeEach(async () => {
  job = `job-${++names}`;
  await stores.jobs.create(
    jobRecord("default", job),
    { ...newJobRun("default", job), tags: { team: "red", "mlflow.user": "u" } },
    DEED,
  );
});

const list = async (query = "") =>
  JSON.parse(await home.ask("GET", `/api/v1/workspaces/default/jobs${query}`)).items as {
    name: string;
    status: JobStatus;
    tags: object;
  }[];
const listed = async (query?: string) => (await list(query)).find(({ name }) => name === job);
const tag = (key: string, value: string) =>
  home.call("POST", "/api/2.0/mlflow/runs/set-tag", { run_id: job, key, value });

async function move(status: JobStatus): Promise<void> {
  const before = await stores.jobs.get("default", job);
  if (before === undefined) throw new Error(`there is no job ${job}`);
  await stores.jobs.save(before, { ...before, rev: before.rev + 1, status }, DEED);
}

test("a list shows a job's own tags as they are, and where it stands", async () => {
  expect(await listed()).toMatchObject({ status: "Completed", tags: { team: "red" } });

  await tag("team", "blue");
  await tag("mlflow.note.content", "not a person's");
  await home.call("POST", "/api/2.0/mlflow/runs/log-metric", { run_id: job, key: "m", value: 1, timestamp: 1 });
  await move("Running");

  expect(await listed("?tag=team=blue")).toMatchObject({ status: "Running", tags: { team: "blue" } });
  expect(await listed("?tag=team=red")).toBeUndefined();
  expect(await listed("?status=Completed")).toBeUndefined();

  await home.call("POST", "/api/2.0/mlflow/runs/delete-tag", { run_id: job, key: "team" });
  expect(await listed()).toMatchObject({ tags: {} });
});

test("tags that are many are the run's alone, and shown all the same", async () => {
  await tag("notes", "x".repeat(2000));
  expect(await listed()).toMatchObject({ tags: { team: "red", notes: "x".repeat(2000) } });

  await tag("notes", "short");
  expect(await listed()).toMatchObject({ tags: { team: "red", notes: "short" } });
});

test("a job that was written before lists had cards is listed, and has a card from its next change on", async () => {
  const record = await stores.jobs.get("default", job);
  const item = await home.ground.table.get(jobKey("default", job));
  const run = await home.ground.table.get({ ...jobKey("default", job), sk: "RUN" });
  if (record === undefined || item === undefined || run === undefined) throw new Error(`there is no job ${job}`);
  const { card: _card, ...oldRun } = run;
  const place = { gsi1pk: jobList("default"), gsi1sk: `${new Date(record.createdMs).toISOString()}#${job}` };
  await home.ground.table.transact([
    { kind: "put", item: { ...item, ...place } },
    { kind: "put", item: oldRun as typeof run },
    { kind: "delete", key: jobCardKey("default", job) },
  ]);

  const before = await listed();
  await tag("team", "green");
  await move("Running");
  const after = (await list()).filter(({ name }) => name === job);

  expect(before).toMatchObject({ status: "Completed", tags: { team: "red" } });
  expect(after).toMatchObject([{ status: "Running", tags: { team: "green" } }]);
});

test("whole records are read by what is in the lists", async () => {
  const { jobs } = await stores.jobs.records({ workspace: "default", limit: 1 });

  expect(jobs).toEqual([await stores.jobs.get("default", job)]);
});
