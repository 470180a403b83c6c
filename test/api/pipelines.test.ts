import { describe, expect, test } from "vitest";
import type { Job } from "../../src/contract/jobs.ts";
import type { PipelineJobSpec, Step } from "../../src/contract/pipelines.ts";
import { jobs as routes, runner as runnerRoutes } from "../../src/contract/routes/index.ts";
import type { OutputContents } from "../../src/contract/runner.ts";
import { type JobFrame, openJobFrame, reportOf } from "../helpers/job-frame.ts";
import { until } from "../helpers/ports.ts";

const params = { workspace: "default" };
const at = (name: string) => ({ workspace: "default", name });
const output = (step: string, name: string): string => `\${{parent.jobs.${step}.outputs.${name}}}`;
const step = (more: object = {}): Step =>
  ({ type: "command", command: "true", environment: "python-3", ...more }) as Step;
const pipeline = (jobs: Record<string, Step>, more: Partial<PipelineJobSpec> = {}): PipelineJobSpec => ({
  type: "pipeline",
  jobs,
  ...more,
});

async function problems(spec: PipelineJobSpec): Promise<Record<string, string>> {
  const { client } = await openJobFrame();
  const { errors } = await client.call(routes.validate, { params, body: { spec } });
  return Object.fromEntries(errors.map(({ field, message }) => [field, message]));
}

/** A component with ports of each sort. */
const COMPONENT = {
  type: "command",
  command: `go $[[--lr \${{inputs.lr}}]] \${{inputs.n}} \${{inputs.d}} \${{outputs.o}} \${{outputs.good}}`,
  environment: "python-3",
  inputs: {
    d: { type: "uri_folder" },
    n: { type: "integer", default: 3 },
    lr: { type: "number", optional: true },
  },
  outputs: { o: { type: "uri_folder" }, good: { type: "boolean" } },
};

describe("a submitted pipeline is refused", () => {
  test("for steps that name what is not there, with the field of each", async () => {
    const first = step({ outputs: { o: {}, good: { type: "boolean" } } });
    const found = await problems(
      pipeline(
        {
          first,
          a: step({ inputs: { x: output("frist", "o") } }),
          b: step({ inputs: { x: output("first", "p") } }),
          c: step({ inputs: { x: "${{parent.inputs.nothing}}" } }),
          d: step({ outputs: { o: "${{parent.outputs.nothing}}" } }),
          e: { type: "command", component: COMPONENT, inputs: { n: "three" } } as Step,
          f: { type: "command", component: COMPONENT, inputs: { d: output("first", "good"), m: "1" } } as Step,
          g: { type: "spark" },
          h: step({ command: "echo ${{inputs.x}}" }),
        },
        { inputs: { lr: { type: "number", value: "0.1" } } },
      ),
    );

    expect(Object.keys(found).sort()).toEqual([
      "jobs.c.inputs.x",
      "jobs.d.outputs.o",
      "jobs.e.inputs.d",
      "jobs.e.inputs.n",
      "jobs.f.inputs.m",
      "jobs.g.type",
      "jobs.h.command",
    ]);
    expect(found["jobs.e.inputs.n"]).toBe("it is of type `integer`, not `three`");
  });

  test("for bindings between steps, and for steps that wait for themselves", async () => {
    const first = step({ outputs: { o: {}, good: { type: "boolean" } } });
    const bound = await problems(
      pipeline({
        first,
        a: step({ inputs: { x: output("frist", "o") } }),
        b: step({ inputs: { x: output("first", "p") } }),
        f: { type: "command", component: COMPONENT, inputs: { d: output("first", "good") } } as Step,
      }),
    );
    const round = await problems(
      pipeline({
        one: step({ inputs: { x: output("two", "o") }, outputs: { o: {} } }),
        two: step({ inputs: { x: output("one", "o") }, outputs: { o: {} } }),
      }),
    );

    expect(bound).toMatchObject({
      "jobs.a.inputs.x": "the pipeline has no step `frist`",
      "jobs.b.inputs.x": "step `first` has no output `p`",
      "jobs.f.inputs.d": "it is of type `uri_folder`, but output `good` of step `first` is `boolean`",
    });
    expect(Object.values(round).join()).toContain("waits for itself");
  });

  test("for what is wrong deep in a pipeline within it", async () => {
    const inner = {
      type: "pipeline",
      inputs: { d: { type: "uri_folder" } },
      jobs: { x: { command: "true", environment: "nobody" } },
    };
    const outer = { type: "pipeline", jobs: { y: { type: "pipeline", component: inner, inputs: {} } } };

    const found = await problems(pipeline({ z: { type: "pipeline", component: outer } }));

    expect(Object.keys(found).sort()).toEqual([
      "jobs.z.component.jobs.y.component.jobs.x.environment",
      "jobs.z.component.jobs.y.inputs.d",
    ]);
  });
});

test("a pipeline says which of its settings have no effect", async () => {
  const { client } = await openJobFrame();
  const settings = { default_datastore: "azureml:mine", on_init: "first" };

  const { warnings } = await client.call(routes.validate, {
    params,
    body: { spec: pipeline({ a: step() }, { settings }) },
  });

  expect(warnings.map((warning) => /`settings\.(\w+)`/.exec(warning)?.[1])).toEqual(["on_init", "default_datastore"]);
});

describe("a pipeline's steps", () => {
  /** Ends a step as its runner would. */
  async function end(frame: JobFrame, name: string, outputs: Record<string, string> = {}): Promise<void> {
    await until(() => frame.machine.launched.some(({ runId }) => runId === name), `the launch of ${name}`);
    const runner = await frame.runner(name);
    const told = Object.entries(outputs).map(([key, value]): [string, OutputContents] => [
      key,
      { digest: "0".repeat(64), files: 1, bytes: value.length, value },
    ]);
    const report = { ...reportOf(name, "Completed"), outputs: Object.fromEntries(told) };
    await runner.call(runnerRoutes.report, { params: { workspace: "default", run: name }, body: report });
  }

  async function jobOf(frame: JobFrame, pipelineName: string, key: string): Promise<Job> {
    const found = await until(async () => {
      const { items } = await frame.client.call(routes.steps, { params: at(pipelineName) });
      return items.find((item) => item.key === key)?.job;
    }, `the job of ${key}`);
    return frame.client.call(routes.get, { params: at(found) });
  }

  test("get the pipeline's inputs, defaults, values and files of other steps, and overrides", async () => {
    const frame = await openJobFrame();
    const spec = pipeline(
      {
        first: step({ outputs: { o: {}, count: { type: "integer" } } }),
        second: {
          type: "command",
          component: COMPONENT,
          inputs: {
            d: { type: "uri_folder", path: output("first", "o"), mode: "download" },
            n: output("first", "count"),
          },
          environment_variables: { WHO: "${{parent.inputs.who}}" },
          limits: { timeout: "${{parent.inputs.seconds}}" },
          outputs: { o: "${{parent.outputs.all}}" },
        } as Step,
      },
      {
        inputs: { who: { type: "string", value: "Ada" }, seconds: { type: "integer", value: "60" } },
        outputs: { all: { path: "azureml://datastores/workspaceblobstore/paths/all/" } },
      },
    );
    await frame.client.call(routes.put, { params: at("p"), body: { spec } });
    const first = await jobOf(frame, "p", "first");
    await end(frame, first.name, { count: "7" });

    const second = await jobOf(frame, "p", "second");
    expect(second).toMatchObject({
      parent_job_name: "p",
      step: "second",
      inputs: {
        d: { path: first.outputs.o?.path.replace(/\/$/, ""), mode: "download" },
        n: { type: "integer", value: "7" },
        lr: { type: "number" },
      },
      outputs: { o: { path: "azureml://datastores/workspaceblobstore/paths/all" } },
      spec: { environment_variables: { WHO: "Ada" }, limits: { timeout: 60 } },
    });
    await end(frame, second.name);
    const ended = await until(async () => {
      const job = await frame.client.call(routes.get, { params: at("p") });
      return job.status === "Completed" && job;
    }, "the pipeline to end");
    expect(ended.outputs.all?.path).toBe(second.outputs.o?.path);
    expect(ended.history.map(({ status }) => status)).toEqual(["Queued", "Running", "Completed"]);
  });

  test("are shown with it, and the same request again is the same pipeline", async () => {
    const frame = await openJobFrame();
    await frame.client.call(routes.put, {
      params: at("p"),
      body: { spec: pipeline({ only: step({ inputs: { x: { type: "string", value: "a" } } }) }) },
    });

    const whole = await frame.client.call(routes.get, { params: at("p") });
    const again = await frame.client.full(routes.put, {
      params: at("p"),
      body: { spec: pipeline({ only: step({ inputs: { x: { type: "string", value: "a" } } }) }) },
    });

    expect(whole.spec).toMatchObject({ jobs: { only: { command: "true" } } });
    expect(again.status).toBe(200);
  });
});
