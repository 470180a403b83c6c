import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../../src/contract/jobs.ts";
import { jobs as routes } from "../../../src/contract/routes/jobs.ts";
import type { SweepJobSpec } from "../../../src/contract/sweeps.ts";
import { until } from "../../helpers/ports.ts";
import { getJob, isOver, readWholeLog, startServer, submit, type TestServer, waitFor } from "../../helpers/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

/** Logs `loss` once for each of its arguments after the first, with pauses of so many seconds. A server that is started again has another port: the trial does without. */
const LOG = `import json,os,sys,time,urllib.request as r
for step,value in enumerate(sys.argv[2:]):
    body=dict(run_id=os.environ["MLFLOW_RUN_ID"],key="loss",value=eval(value),step=step,timestamp=int(time.time()*1000))
    try:
        r.urlopen(r.Request(os.environ["MLFLOW_TRACKING_URI"]+"/api/2.0/mlflow/runs/log-metric",json.dumps(body).encode(),
          {"Content-Type":"application/json","Authorization":"Bearer "+os.environ["MLFLOW_TRACKING_TOKEN"]}))
    except OSError as error:
        print(error)
    time.sleep(float(sys.argv[1]))`;

function sweep(command: string, more: Partial<SweepJobSpec> = {}): SweepJobSpec {
  return {
    type: "sweep",
    trial: { command, environment: "python-3" },
    search_space: { x: { type: "choice", values: ["3", "1e-1", "2"] } },
    sampling_algorithm: { type: "grid" },
    objective: { goal: "minimize", primary_metric: "loss" },
    limits: { max_total_trials: 10, max_concurrent_trials: 2 },
    ...more,
  };
}

async function trialsOf(name: string): Promise<readonly Job[]> {
  const { items } = await server.client.call(routes.list, {
    params: { workspace: "default" },
    query: { parent_job_name: name, limit: 100 },
  });
  const jobs = await Promise.all(items.map((item) => getJob(server, item.name)));
  return jobs.sort((a, b) => a.display_name.localeCompare(b.display_name, "en", { numeric: true }));
}

describe("a sweep", () => {
  test("runs a trial for each point of its grid, and its outputs are those of the best", async () => {
    const command = `python -c '${LOG}' 0 "\${{search_space.x}}" && echo \${{inputs.word}} \${{search_space.x}} > \${{outputs.model}}/x`;
    const { name } = await submit(
      server,
      sweep(command, { inputs: { word: { type: "string", value: "best" } }, outputs: { model: { name: "swept" } } }),
    );

    const done = await waitFor(server, name, isOver);

    expect(done).toMatchObject({ type: "sweep", status: "Completed", metrics: { loss: 0.1 }, children: 3 });
    expect(done.status_reason).toBe("trial 1 is the best: `loss` 0.1, of 3 trials");
    const trials = await trialsOf(name);
    expect(trials.map(({ params }) => params.x)).toEqual(["3", "1e-1", "2"]);
    expect(trials.map(({ metrics }) => metrics.loss)).toEqual([3, 0.1, 2]);
    const { items } = await server.client.call(routes.steps, { params: { workspace: "default", name } });
    expect(items.map(({ note }) => note)).toEqual(["x=3; loss 3", "x=1e-1; loss 0.1 (best)", "x=2; loss 2"]);
    expect(done.outputs.model?.path).toBe(trials[1]?.outputs.model?.path);
    expect(done.outputs.model?.asset).toBe("azureml:swept:1");
    expect(trials.map(({ outputs }) => outputs.model?.asset)).toEqual([undefined, undefined, undefined]);
  });

  test("stops poor trials early", async () => {
    const { name } = await submit(
      server,
      sweep(
        `python -c '${LOG}' 0.3 $(for i in $(seq \${{search_space.steps}}); do echo "\${{search_space.x}}"; done)`,
        {
          search_space: { x: { type: "choice", values: ["1", "5"] }, steps: { type: "choice", values: ["20"] } },
          early_termination: { type: "bandit", slack_factor: 0.5, delay_evaluation: 2 },
        },
      ),
    );

    const done = await waitFor(server, name, isOver);

    expect(done).toMatchObject({ status: "Completed", metrics: { loss: 1 } });
    expect(done.status_reason).toContain("1 stopped early");
    const [, poor] = await trialsOf(name);
    expect(poor).toMatchObject({ status: "Canceled", status_reason: expect.stringContaining("(bandit)") });
  });

  test("goes on where a server that was killed left off", async () => {
    const { name } = await submit(
      server,
      sweep(`python -c '${LOG}' 0.2 "(\${{search_space.x}} - 0.3) ** 2"`, {
        search_space: { x: { type: "uniform", min_value: 0, max_value: 1 } },
        sampling_algorithm: { type: "bayesian", seed: 1 },
        limits: { max_total_trials: 14, max_concurrent_trials: 2 },
      }),
    );
    for (const trials of [3, 9]) {
      await until(async () => (await getJob(server, name)).children >= trials, `${trials} trials`, 60_000);
      await server.kill();
      await server.start();
    }

    const done = await waitFor(server, name, isOver);

    expect(done).toMatchObject({ status: "Completed", children: 14 });
    expect(Number(done.metrics.loss)).toBeLessThan(0.05);
    const trials = await trialsOf(name);
    expect(trials.map(({ status, attempts }) => [status, attempts.length])).toEqual(Array(14).fill(["Completed", 1]));
    expect(new Set(trials.map(({ params }) => params.x)).size).toBe(14);
  });

  test("ends by its timeout, also when the server was killed meanwhile", async () => {
    const limits = { max_total_trials: 1, timeout: 4 };
    const { name } = await submit(server, sweep("sleep 600", { limits }));
    await until(async () => (await trialsOf(name)).some(({ status }) => status === "Running"), "a running trial");
    await server.kill();
    await server.start();

    expect(await waitFor(server, name, isOver)).toMatchObject({
      status: "Canceled",
      status_reason: expect.stringContaining("timeout of 4 s"),
    });
  });

  test("is a step of a pipeline, whose output is the best trial's", async () => {
    const trial = {
      type: "command",
      inputs: { x: { type: "number" }, word: { type: "string" }, late: { type: "string", optional: true } },
      outputs: { model: { type: "uri_file" } },
      command: `python -c '${LOG}' 0 "\${{inputs.x}}" && echo \${{inputs.word}} \${{inputs.x}} > \${{outputs.model}}`,
      environment: "python-3",
    };
    const { name } = await submit(server, {
      type: "pipeline",
      inputs: { most: { type: "integer", value: "2" } },
      jobs: {
        search: {
          type: "sweep",
          trial,
          inputs: { word: { type: "string", value: "found" } },
          outputs: { model: {} },
          search_space: { x: { type: "choice", values: ["4", "2", "1"] } },
          sampling_algorithm: { type: "grid" },
          objective: { goal: "minimize", primary_metric: "loss" },
          limits: { max_total_trials: "${{parent.inputs.most}}" },
        },
        use: {
          type: "command",
          command: "cat ${{inputs.model}}",
          environment: "python-3",
          inputs: { model: { type: "uri_file", path: "${{parent.jobs.search.outputs.model}}" } },
        },
      },
    });

    expect(await waitFor(server, name, isOver)).toMatchObject({ status: "Completed" });
    const steps = await trialsOf(name);
    expect(steps.map(({ type, status }) => [type, status])).toEqual([
      ["sweep", "Completed"],
      ["command", "Completed"],
    ]);
    expect(await readWholeLog(server, steps[1]?.name ?? "")).toContain("found 2");
  });

  test("that is canceled leaves nothing running", async () => {
    const { name } = await submit(server, sweep("sleep 600"));
    await until(async () => (await trialsOf(name)).some(({ status }) => status === "Running"), "a running trial");

    await server.client.call(routes.cancel, { params: { workspace: "default", name }, body: { reason: "enough" } });

    expect(await waitFor(server, name, isOver)).toMatchObject({ status: "Canceled", status_reason: "enough" });
    expect((await trialsOf(name)).map(({ status }) => status)).toEqual(["Canceled", "Canceled"]);
  });

  test("whose trials log no such metric fails and says so", async () => {
    const { name } = await submit(server, sweep("true", { search_space: { x: { type: "choice", values: ["1"] } } }));

    const done = await waitFor(server, name, isOver);

    expect(done).toMatchObject({ status: "Failed", status_reason: expect.stringContaining("no trial logged") });
  });

  test("is refused with the field of what is wrong", async () => {
    const wrong = sweep("echo ${{search_space.y}}", { search_space: { x: { type: "randint", upper: 3 } } });

    await expect(submit(server, wrong)).rejects.toMatchObject({
      code: "InvalidSpec",
      details: {
        errors: expect.arrayContaining([
          expect.objectContaining({ field: "search_space.x.type" }),
          expect.objectContaining({ field: "trial.command" }),
        ]),
      },
    });
  });
});
