import { BatchClient } from "@aws-sdk/client-batch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeBatchLauncher } from "../../src/adapters/aws/batch/launcher.ts";
import { computes, files, jobs } from "../../src/client/routes.ts";
import type { CommandJobSpec, CreateJob } from "../../src/contract/jobs.ts";
import { describeLauncher } from "../contract/describe-launcher.ts";
import { openTinyRunners } from "../contract/tiny-runners.ts";
import { until } from "../helpers/ports.ts";
import { isOver, readWholeLog, submit, waitFor } from "../helpers/server.ts";
import { type BatchHome, openBatchHome } from "./batch-home.ts";
import { openEmulator } from "./emulator.ts";
import { AWS, startMinistack } from "./ministack.ts";
import { TRAINING } from "./training.ts";

let aws: Awaited<ReturnType<typeof startMinistack>>;
let home: BatchHome;
let emulator: ReturnType<typeof openEmulator>;

beforeAll(async () => {
  aws = await startMinistack();
  emulator = openEmulator(aws.endpoint);
  home = await openBatchHome(aws.endpoint);
  const spot = { type: "cluster" as const, size: "Standard_DS3_v2", tier: "low_priority" as const, max_instances: 4 };
  const made = await home.client.call(computes.put, { params: params("spot"), body: spot });
  const nodes = { type: "cluster" as const, size: "m5.xlarge" };
  const wave = { type: "cluster" as const, size: "m5.xlarge", max_instances: 3 };
  await home.client.call(computes.put, { params: params("wave"), body: wave });
  await home.client.call(computes.put, { params: params("nodes"), body: nodes });
  expect(made.notes).toEqual(["`Standard_DS3_v2` runs as `m5.xlarge` (4 vCPUs, 16 GiB)"]);
});
afterAll(async () => {
  await home?.close();
  await aws?.stop();
});

const job = (command: string, more: Partial<CommandJobSpec> = {}): CommandJobSpec => ({
  type: "command",
  command,
  environment: { image: "image" },
  ...more,
});
const params = (name: string) => ({ workspace: "default", name });
const run = async (spec: CreateJob["spec"]) => waitFor(home, (await submit(home, spec)).name, isOver);
const said = (name: string, words: string) =>
  until(async () => (await readWholeLog(home, name)).includes(words), words, 120_000);
const batchJobs = async (run: string) => (await emulator.jobs()).filter(({ tags }) => tags?.["trainyard:run"] === run);

describe.concurrent("a job on AWS Batch", () => {
  test("runs as three containers, and leaves its log, its outputs and its exit code", async () => {
    const done = await run(job("echo hello; echo 42 > ${{outputs.out}}/answer", { outputs: { out: {} } }));

    expect(done).toMatchObject({ status: "Completed", exit_code: 0 });
    expect(await readWholeLog(home, done.name)).toBe("hello\n");
    const uri = `azureml://jobs/${done.name}/outputs/out/paths/`;
    const { items } = await home.client.call(files.list, { params: { workspace: "default" }, query: { uri } });
    expect(items.map(({ path }) => path)).toEqual(["answer"]);
    const [only, ...others] = await until(async () => {
      const all = await batchJobs(done.name);
      return all.every(({ status }) => status === "SUCCEEDED") && all;
    }, "the end of its Batch job");
    expect(others).toEqual([]);
    expect(only?.jobQueue).toContain("yard-fargate-dedicated");
    expect(JSON.stringify(only)).not.toContain(`"TRAINYARD_TOKEN"`);
  });

  test("has AWS credentials of STS, where SDKs look for them, and is told of its objects", async () => {
    const script = `const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization } = process.env;
fetch(url, { headers: { authorization } }).then(async (answer) => console.log(await answer.text()));`;

    const done = await run(job(`node -e '${script}'; echo $AWS_REGION $TRAINYARD_S3_OUTPUTS`));

    const [keys = "", places] = (await readWholeLog(home, done.name)).split("\n");
    const { Expiration, ...others } = JSON.parse(keys) as Record<string, string>;
    expect(Object.keys(others)).toEqual(["AccessKeyId", "SecretAccessKey", "Token"]);
    expect(others.AccessKeyId).toMatch(/^ASIA/);
    expect(Date.parse(Expiration ?? "") - Date.now()).toBeGreaterThan(50 * 60_000);
    expect(places).toBe(`${AWS.region} s3://yard-objects/ws/default/datastore/azureml/${done.name}/`);
  });

  test("fails by its command's exit code, which the Batch job has too", async () => {
    const done = await run(job("echo bad; exit 5"));

    expect(done).toMatchObject({ status: "Failed", exit_code: 5 });
    const ended = await until(
      async () => (await batchJobs(done.name)).find(({ status }) => status === "FAILED"),
      "the end of its Batch job",
    );
    expect(JSON.stringify(ended)).toContain('"exitCode": 5'.replace(" ", ""));
  });

  test("is canceled while it runs", async () => {
    const { name } = await submit(home, job("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done"));
    await said(name, "up");

    await home.client.call(jobs.cancel, { params: params(name), body: { reason: "enough" } });

    expect(await waitFor(home, name, isOver)).toMatchObject({ status: "Canceled", status_reason: "enough" });
    expect(await readWholeLog(home, name)).toContain("bye\n");
  });

  test("as trials of a sweep, is an array with the others of its wave, each with parameters of its own", async () => {
    const log = `fetch(process.env.MLFLOW_TRACKING_URI + "/api/2.0/mlflow/runs/log-metric", { method: "POST", headers: {
  "content-type": "application/json", authorization: "Bearer " + process.env.MLFLOW_TRACKING_TOKEN },
  body: JSON.stringify({ run_id: process.env.MLFLOW_RUN_ID, key: "loss", value: \${{search_space.x}}, timestamp: Date.now(), step: 0 }) })`;
    const { name } = await submit(home, {
      type: "sweep",
      trial: {
        command: `node -e '${log}'; echo \${{search_space.x}} > \${{outputs.best}}/x`,
        environment: { image: "image" },
      },
      outputs: { best: {} },
      search_space: { x: { type: "choice", values: ["5", "3", "4"] } },
      sampling_algorithm: { type: "grid" },
      objective: { goal: "minimize", primary_metric: "loss" },
      limits: { max_total_trials: 3 },
      compute: "wave",
    });

    const done = await waitFor(home, name, isOver, 240_000);

    expect(done).toMatchObject({ status: "Completed", metrics: { loss: 3 }, children: 3 });
    const query = { uri: `azureml://jobs/${name}/outputs/best/paths/` };
    const { items } = await home.client.call(files.list, { params: { workspace: "default" }, query });
    expect(items.map(({ path }) => path)).toEqual(["x"]);
    const made = await batchJobs(name);
    const arrays = made.filter(({ tags, jobId }) => tags?.["trainyard:array"] !== undefined && !jobId?.includes(":"));
    // Those that were submitted while a round was under way got their slots in the next.
    expect(arrays.length).toBeGreaterThan(0);
    expect(made.filter(({ jobId }) => jobId?.includes(":")).length).toBeGreaterThan(1);
  });

  test("fails in words when there is no such image", async () => {
    const done = await run(job("echo never", { environment: { image: "no-such-image" } }));

    expect(done.status).toBe("Failed");
    expect(done.status_reason).toMatch(/its containers could not run: CannotPullContainerError: .*no-such-image/);
  });

  test("whose machine goes away gets another attempt, which is another job", async () => {
    const { name } = await submit(
      home,
      job(
        [
          "cat ${{outputs.state}}/step 2>/dev/null && exit 0",
          "echo 7 > ${{outputs.state}}/step; echo first; sleep 600",
        ].join("\n"),
        { compute: "spot", outputs: { state: {} } },
      ),
    );
    await said(name, "first");

    const [first] = await batchJobs(name);
    await emulator.interrupt(first?.jobId ?? "", { graceSec: 20 });

    const done = await waitFor(home, name, isOver);
    expect(done).toMatchObject({ status: "Completed", attempts: [{ number: 1 }, { number: 2, exit_code: 0 }] });
    expect(done.attempts[0]?.reason).toContain("Host EC2");
    expect((await batchJobs(name)).map(({ jobQueue }) => jobQueue)).toHaveLength(2);
    // What the first attempt had left was there for the second.
    expect(await readWholeLog(home, name)).toMatch(/\n7\n$/);
  });

  test("of several machines meets at the first one's address, and completes when all have", async () => {
    const meet = `const net = require("node:net");
const { RANK, WORLD_SIZE, NODE_RANK, MASTER_ADDR: host, MASTER_PORT: port } = process.env;
console.log("rank " + RANK + " of " + WORLD_SIZE + " on machine " + NODE_RANK);
if (RANK === "0") net.createServer((s) => s.on("data", (d) => { console.log("heard " + d); process.exit(0); })).listen(+port, host);
else (function go() {
  const s = net.connect(+port, host, () => s.end("rank " + RANK));
  s.on("error", () => setTimeout(go, 100)).on("close", (failed) => failed || process.exit(0));
})();`;
    const done = await run(
      job(`mkdir -p outputs; echo $RANK > outputs/rank$RANK; exec node -e '${meet}'`, {
        compute: "nodes",
        resources: { instance_count: 2 },
        distribution: { type: "pytorch" },
      }),
    );

    expect(done).toMatchObject({ status: "Completed", exit_code: 0 });
    expect(await readWholeLog(home, done.name)).toBe("rank 0 of 2 on machine 0\nheard rank 1\n");
    expect(await readWholeLog(home, done.name, "user_logs/std_log_node_1.txt")).toBe("rank 1 of 2 on machine 1\n");
    const uri = `azureml://jobs/${done.name}/outputs/artifacts/paths/outputs`;
    const { items } = await home.client.call(files.list, { params: { workspace: "default" }, query: { uri } });
    expect(items.map(({ path }) => path)).toEqual(["rank0", "rank1"]);
  });

  test("of several machines ends as one: one that fails, and its code, end the others", async () => {
    const done = await run(
      job('if [ "$NODE_RANK" = 1 ]; then echo bad; exit 4; fi; sleep 600', {
        compute: "nodes",
        resources: { instance_count: 2 },
      }),
    );

    expect(done).toMatchObject({ status: "Failed", exit_code: 4 });
    expect(done.status_reason).toContain("rank on machine 1 ended with exit code 4");
  });

  test("is not begun on a compute that is not there", async () => {
    const refused = submit(home, job("true", { compute: "gpu-cluster" }));

    await expect(refused).rejects.toMatchObject({ code: "InvalidSpec" });
    await expect(refused).rejects.toThrow("gpu-cluster");
  });
});

describeLauncher("AWS Batch", async () => {
  const batch = new BatchClient({ ...AWS, endpoint: aws.endpoint });
  const runners = await openTinyRunners();
  // Queues of its own, which may be held.
  const match = { jobQueue: "*conform-*" };
  return {
    runners,
    compute: { name: "local", type: "local", settings: {} },
    open: () =>
      makeBatchLauncher({
        batch,
        pauseMs: 20,
        startCode: async ({ attemptId }) => attemptId,
        settings: { ...TRAINING, home: "conform" },
      }),
    async hold() {
      await emulator.hold({ match, status: "STARTING" });
      return () => emulator.release(match);
    },
    // As a week after its end, when Batch forgets a job.
    forget: async (handle) =>
      JSON.stringify({ ...JSON.parse(handle), job: "00000000-0000-4000-8000-000000000000", name: "forgotten" }),
    fixedGrace: "AWS Batch gives each container the stopTimeout of its definition, which a later call can't change",
    async cleanup() {
      runners.close();
      batch.destroy();
    },
  };
});
