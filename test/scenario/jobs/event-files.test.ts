import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { downloadTo } from "../../../src/client/files-node.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { pythonWith, runPython } from "../../helpers/python.ts";
import {
  commandJob,
  getJob,
  isOver,
  readWholeLog,
  runJob,
  startServer,
  submit,
  type TestServer,
  waitFor,
} from "../../helpers/server.ts";

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const KEYS: Readonly<Record<string, string>> = { "Train/Top 1 (%)": "Train/Top 1 ___" };

describe("event files that a job writes", () => {
  const temporary = makeTempDir();
  let server: TestServer;
  let python: string;

  beforeAll(async () => {
    server = await startServer();
    python = await pythonWith(["tensorboard==2.21.0", "tensorboardX==2.6.5"]);
  }, 300_000);
  afterAll(async () => {
    await server.dispose();
    temporary.remove();
  });

  async function history(run: string, key: string): Promise<unknown[][]> {
    const query = new URLSearchParams({ run_id: run, metric_key: key });
    const answer = await fetch(`${server.url()}/w/default/api/2.0/mlflow/metrics/get-history?${query}`, {
      headers: { authorization: `Bearer ${server.token()}` },
    });
    const { metrics = [] } = (await answer.json()) as {
      metrics?: { step: number; value: number | string; timestamp: number }[];
    };
    return metrics.map(({ step, value, timestamp }) => [step, Number(value), timestamp]);
  }

  it("become metrics while it runs, and are at its end what TensorBoard reads", async () => {
    const go = join(temporary.path, "go");
    const spec = commandJob(`${python} ${script("write_events.py")} \${{outputs.events}}`, {
      outputs: { events: {} },
      environment_variables: { GO: go },
    });
    const { name } = await submit(server, spec);
    // Its writer is a thread that may hold the last ones back.
    const count = async () => (await history(name, "loss")).length;
    await expect.poll(count, { timeout: 40_000, interval: 200 }).toBeGreaterThan(20);
    expect((await getJob(server, name)).status).toBe("Running");
    writeFileSync(go, "");
    const job = await waitFor(server, name, isOver);
    expect(job.status, job.status_reason).toBe("Completed");

    const uris = [`azureml://jobs/${name}/outputs/artifacts/paths/outputs/tb`, job.outputs.events?.path ?? ""];
    const keys: string[] = [];
    for (const [i, uri] of uris.entries()) {
      const folder = join(temporary.path, `files-${i}`);
      await downloadTo(server.client, "default", uri, folder);
      const read = await runPython(python, [script("read_events.py"), folder], {});
      const told = JSON.parse(read.stdout) as Record<string, Record<string, [number, string, number][]>>;
      for (const [place, tags] of Object.entries(told)) {
        for (const [tag, points] of Object.entries(tags)) {
          const key = place === "validation" ? `validation/${tag}` : (KEYS[tag] ?? tag);
          // tensorboardX keeps each line of `add_scalars` in a folder of its own, and each trial's result.
          const full = place.startsWith("losses") ? (place.endsWith("train") ? "train/losses" : "test/losses") : key;
          keys.push(full);
          const expected = points.map(([step, value, at]) => [step, Number(value.replace("nan", "NaN")), at]);
          const found = await history(name, full);
          expect(found.map(String).sort(), full).toEqual(expected.map(String).sort());
        }
      }
    }
    expect(keys).toEqual(expect.arrayContaining(["loss", "train/losses", "validation/loss_float16", "accuracy"]));
    expect(job.params).toMatchObject({ lr: "0.01", optimizer: "adam", nesterov: "True", layers: "3" });
  }, 120_000);

  it("leave a word in the log where one is damaged", async () => {
    const job = await runJob(server, "mkdir -p logs && echo this is not an event file > logs/events.out.tfevents.7.h");

    expect(job.status).toBe("Completed");
    expect(await readWholeLog(server, job.name)).toContain(
      "[trainyard] event file logs/events.out.tfevents.7.h: byte 0: the length of the record does not fit its checksum",
    );
  });
});
