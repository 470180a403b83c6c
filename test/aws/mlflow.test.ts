import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith, runPython } from "../helpers/python.ts";
import { type Deployment, deploy } from "./deployment.ts";
import { startEdge } from "./edge-server.ts";
import { openForwardProxy } from "./forward-proxy.ts";
import { loopbackFetch } from "./loopback-fetch.ts";
import { CHECKS, type CheckRun, runChecks } from "./mlflow-checks.ts";

const MINUTES = 60_000;
const LARGE_FILE = `
import os, tempfile, mlflow
folder = tempfile.mkdtemp()
path = os.path.join(folder, "w 1.bin")
content = os.urandom(12 * 1024 * 1024)
open(path, "wb").write(content)
with mlflow.start_run() as run:
    mlflow.log_artifact(path, "weights")
found = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="weights/w 1.bin")
print("same" if open(found, "rb").read() == content else "different")
`;

/** Tracking through the deployed HTTP API: functions that share nothing but table and bucket. */
describe("MLflow in AWS", () => {
  let deployment: Deployment;
  let proxy: Awaited<ReturnType<typeof openForwardProxy>>;

  beforeAll(async () => {
    deployment = await deploy();
    proxy = await openForwardProxy();
  }, 5 * MINUTES);

  afterAll(async () => {
    proxy?.close();
    await deployment?.cleanup();
  });

  const ask = (method: string, path: string, body?: object | Uint8Array<ArrayBuffer>) =>
    loopbackFetch(`${deployment.url}/w/default${path}`, {
      method,
      headers: {
        authorization: `Bearer ${deployment.token}`,
        "content-type": body instanceof Uint8Array ? "application/octet-stream" : "application/json",
      },
      redirect: "manual",
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
    });
  const post = async <T>(path: string, body: object): Promise<T> => {
    const answer = await ask("POST", `/api/2.0/mlflow/${path}`, body);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const newRun = async (experiment_id: string) =>
    (await post<{ run: { info: { run_id: string } } }>("runs/create", { experiment_id, start_time: 1 })).run.info
      .run_id;
  const newExperiment = async () =>
    (await post<{ experiment_id: string }>("experiments/create", { name: randomBytes(8).toString("hex") }))
      .experiment_id;

  describe("the client, unmodified", () => {
    let result: CheckRun;
    beforeAll(async () => {
      const variables = { ...mlflowVariables(deployment), http_proxy: proxy.url, no_proxy: "" };
      result = await runChecks(variables);
    }, 10 * MINUTES);

    it.each(CHECKS)("%s", (name) => {
      const outcome = result.outcomes.get(name);

      expect(outcome, `no outcome of ${name}; the script said:\n${result.stderr.slice(-4000)}`).toBeDefined();
      expect(outcome?.ok, `${outcome?.why ?? ""}`).toBe(true);
    });
  });

  it(
    "sends and fetches a file of 12 MB whole through the edge, by the client as it is",
    async () => {
      const edge = await startEdge(deployment);
      onTestFinished(() => edge.close());
      const variables = mlflowVariables({ url: edge.url, token: deployment.token });

      const result = await runPython(await pythonWith(MLFLOW_CLIENT), ["-c", LARGE_FILE], variables);

      expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/^same$/m) });
      const file = /^(PUT|GET) \/ws\/default\/artifacts\/\d+\/\w{32}\/artifacts\/weights\/w 1\.bin$/;
      expect(edge.toBucket.map((line) => file.exec(decodeURI(line))?.[1])).toEqual(["PUT", "GET"]);
    },
    2 * MINUTES,
  );

  it(
    "shows each client its own acknowledged writes, whichever process it reaches",
    async () => {
      const experiment = await newExperiment();
      const clients = Array.from({ length: 6 }, async (_, client) => {
        for (let round = 0; round < 8; round++) {
          const run_id = await newRun(experiment);
          const mark = client * 100 + round;
          await post("runs/log-batch", {
            run_id,
            metrics: [{ key: "mark", value: mark, timestamp: 1, step: 0 }],
            tags: [{ key: "mark", value: String(mark) }],
          });
          const filter = `metrics.mark = ${mark} and tags.mark = '${mark}'`;
          const found = await post<{ runs?: { info: { run_id: string } }[] }>("runs/search", {
            experiment_ids: [experiment],
            filter,
          });
          expect(found.runs?.map((run) => run.info.run_id)).toEqual([run_id]);
          await post("runs/delete", { run_id });
          const gone = await post<{ runs?: unknown[] }>("runs/search", { experiment_ids: [experiment], filter });
          expect(gone.runs ?? []).toEqual([]);
        }
      });

      await Promise.all(clients);
    },
    4 * MINUTES,
  );

  it(
    "takes what MLflow allows in a request, and pages long histories",
    async () => {
      const run_id = await newRun(await newExperiment());
      for (let batch = 0; batch < 30; batch++) {
        const metrics = Array.from({ length: 1000 }, (_, i) => {
          const step = batch * 1000 + i;
          return { key: "loss", value: Math.sin(step), timestamp: 1_700_000_000_000 + step, step };
        });
        await post("runs/log-batch", { run_id, metrics });
      }
      const params = Array.from({ length: 100 }, (_, i) => ({ key: `p${i}`, value: "x".repeat(5900) }));
      await post("runs/log-batch", { run_id, params });
      const path = `/api/2.0/mlflow/metrics/get-history?run_id=${run_id}&metric_key=loss`;
      const page = async (query: string) =>
        (await (await ask("GET", `${path}${query}`)).json()) as { metrics: unknown[]; next_page_token?: string };

      const first = await page("&max_results=25000");
      const second = await page(`&max_results=25000&page_token=${encodeURIComponent(first.next_page_token ?? "")}`);

      expect([first.metrics.length, second.metrics.length, second.next_page_token]).toEqual([25_000, 5000, undefined]);
    },
    4 * MINUTES,
  );

  it(
    "answers as much of a page as a function can, and where to go on",
    async () => {
      const experiment = await newExperiment();
      const runs = Array.from({ length: 5 }, async () => {
        const run_id = await newRun(experiment);
        const noise = () => randomBytes(2900).toString("hex");
        for (let i = 0; i < 3; i++) {
          const params = Array.from({ length: 90 }, (_, p) => ({ key: `p${i * 90 + p}`, value: noise() }));
          await post("runs/log-batch", { run_id, params });
        }
      });
      await Promise.all(runs);
      const search = (page_token: string) =>
        post<{ runs: object[]; next_page_token?: string }>("runs/search", { experiment_ids: [experiment], page_token });

      const pages: number[] = [];
      for (let token: string | undefined = ""; token !== undefined; ) {
        const { runs: found, next_page_token } = await search(token);
        pages.push(found.length);
        token = next_page_token;
      }

      expect(pages.length).toBeGreaterThan(1);
      expect(pages.reduce((sum, count) => sum + count)).toBe(5);
    },
    4 * MINUTES,
  );

  it(
    "sends clients to the bucket for files that a function can't carry",
    async () => {
      const experiment = await newExperiment();
      const run_id = await newRun(experiment);
      const place = `/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run_id}/artifacts`;
      const bytes = new Uint8Array(randomBytes(11_000_000));
      const made = await ask("POST", place.replace("/artifacts/", "/mpu/create/"), { path: "big.bin", num_parts: 2 });
      const { upload_id, credentials } = (await made.json()) as {
        upload_id: string;
        credentials: { url: string; part_number: number }[];
      };
      const parts = [];
      for (const { url, part_number } of credentials) {
        const body = bytes.subarray((part_number - 1) * 6_000_000, part_number * 6_000_000);
        const sent = await loopbackFetch(url, { method: "PUT", body });
        parts.push({ part_number, url, etag: sent.headers.get("etag") });
      }
      const completed = await ask("POST", place.replace("/artifacts/", "/mpu/complete/"), {
        path: "big.bin",
        upload_id,
        parts,
      });

      const got = await ask("GET", `${place}/big.bin`);
      const whole = await loopbackFetch(got.headers.get("location") ?? "");
      const piece = await loopbackFetch(got.headers.get("location") ?? "", { headers: { range: "bytes=5-9" } });
      const refused = await ask("PUT", `${place}/other.bin`, bytes.subarray(0, 7_000_000));

      expect(credentials.every(({ url }) => !url.startsWith(deployment.url))).toBe(true);
      expect([made.status, completed.status, got.status]).toEqual([200, 200, 307]);
      expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
      expect(Buffer.from(await piece.arrayBuffer()).equals(bytes.subarray(5, 10))).toBe(true);
      expect(refused.status).toBe(413);
      expect(await refused.text()).toContain("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE");
    },
    2 * MINUTES,
  );

  // What its address says and what a function is told of it may differ: nothing is tidied on the way.
  it.each(["a/../../b", "a/%2e%2e/b", "..%2f..%2fb", "a%5c..%5cb", "%252e%252e/b", "a/./b"])(
    "refuses the artifact path %s",
    async (path) => {
      const url = new URL(deployment.url);
      const { request } = await import("node:http");
      const status = await new Promise<number>((resolve, reject) => {
        const asked = request(
          {
            host: "127.0.0.1",
            port: url.port,
            method: "DELETE",
            path: `/w/default/api/2.0/mlflow-artifacts/artifacts/0/${path}`,
            headers: { host: url.host, authorization: `Bearer ${deployment.token}` },
          },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          },
        );
        asked.on("error", reject);
        asked.end();
      });

      expect(status).toBe(400);
    },
  );
});
