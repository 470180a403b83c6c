import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { computes } from "../../src/contract/routes/places.ts";
import { insist, mlflowGet, mlflowPost, pause } from "./insist.ts";
import { commandJob, isOver, readWholeLog, submit, type TestServer, waitFor } from "./server.ts";

/** What a server that was killed over and over did with what it had acknowledged. */
export interface KillReport {
  readonly rounds: number;
  readonly jobs: number;
  readonly points: number;
  /** Jobs acknowledged and not there, or not completed. */
  readonly lostJobs: readonly string[];
  /** Jobs whose command ran more or less than once. */
  readonly doubledJobs: readonly string[];
  /** Jobs whose log is not what the command wrote. */
  readonly brokenLogs: readonly string[];
  /** Metric points acknowledged and not there. */
  readonly lostPoints: readonly number[];
}

const SLOTS = 3;
const JOBS_A_ROUND = 2;
const params = { workspace: "default" };

/**
 * Kills the server with SIGKILL `rounds` times at random moments, while jobs run, more are submitted, and an MLflow client logs metrics; then compares what is
 * there with what was acknowledged.
 */
export async function killRounds(server: TestServer, rounds: number): Promise<KillReport> {
  await server.client.call(computes.put, {
    params: { ...params, name: "local" },
    body: { type: "local", slots: SLOTS },
  });
  await waitFor(server, (await submit(server, commandJob("true"))).name, isOver);
  const ranFile = join(server.dir, "ran.txt");
  const load = { over: false, jobs: [] as string[], points: [] as number[] };
  const logging = logPoints(server, load);
  for (let round = 0; round < rounds; round++) {
    const submitting = submitJobs(server, round, ranFile, load.jobs);
    await pause(50 + Math.random() * 600);
    await server.kill();
    await server.start();
    await submitting;
  }
  load.over = true;
  const run = await logging;
  const lostJobs: string[] = [];
  const brokenLogs: string[] = [];
  for (const name of load.jobs) {
    const job = await waitFor(server, name, isOver);
    if (job.status !== "Completed") lostJobs.push(`${name}: ${job.status} ${job.status_reason ?? ""}`);
    if (countOf(await readWholeLog(server, name), `out ${name}\n`) !== 1) brokenLogs.push(name);
  }
  const ran = existsSync(ranFile) ? readFileSync(ranFile, "utf8") : "";
  const kept = new Set(await readPoints(server, run));
  return {
    rounds,
    jobs: load.jobs.length,
    points: load.points.length,
    lostJobs,
    doubledJobs: load.jobs.filter((name) => countOf(ran, `${name}\n`) !== 1),
    brokenLogs,
    lostPoints: load.points.filter((step) => !kept.has(step)),
  };
}

async function submitJobs(server: TestServer, round: number, ranFile: string, acknowledged: string[]): Promise<void> {
  for (let i = 0; i < JOBS_A_ROUND; i++) {
    const name = `kill-${round}-${i}`;
    const command = `echo ${name} >> '${ranFile}'; sleep 0.${round % 7}; echo out ${name}`;
    await insist(() => submit(server, commandJob(command), name));
    acknowledged.push(name);
  }
}

/** One point a request, as fast as they are acknowledged. */
async function logPoints(server: TestServer, load: { over: boolean; readonly points: number[] }): Promise<string> {
  const made = await insist(() =>
    mlflowPost<{ run: { info: { run_id: string } } }>(server, "runs/create", {
      experiment_id: "0",
      start_time: Date.now(),
    }),
  );
  const run = made.run.info.run_id;
  for (let step = 1; !load.over; step++) {
    const metrics = [{ key: "m", value: step, timestamp: 1_700_000_000_000 + step, step }];
    await insist(() => mlflowPost(server, "runs/log-batch", { run_id: run, metrics, params: [], tags: [] }));
    load.points.push(step);
  }
  return run;
}

async function readPoints(server: TestServer, run: string): Promise<number[]> {
  const steps: number[] = [];
  let token = "";
  do {
    const page = await mlflowGet<{ metrics?: { step?: number | string }[]; next_page_token?: string }>(
      server,
      "metrics/get-history",
      { run_id: run, metric_key: "m", max_results: "10000", page_token: token },
    );
    steps.push(...(page.metrics ?? []).map((point) => Number(point.step)));
    token = page.next_page_token ?? "";
  } while (token !== "");
  return steps;
}

function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}
