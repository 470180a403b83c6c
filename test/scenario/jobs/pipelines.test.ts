import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobs as routes } from "../../../src/contract/routes/jobs.ts";
import { computes } from "../../../src/contract/routes/places.ts";
import { type CliResult, yard } from "../../helpers/cli.ts";
import { killPipeline } from "../../helpers/kill-pipeline.ts";
import { makeTempDir, until } from "../../helpers/ports.ts";
import { getJob, readWholeLog, startServer, type TestServer } from "../../helpers/server.ts";

const EXAMPLE = fileURLToPath(new URL("../../../examples/pipeline", import.meta.url));
const temporary = makeTempDir();
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  await server.client.call(computes.put, {
    params: { workspace: "default", name: "local" },
    body: { type: "local", slots: 4 },
  });
});
afterAll(async () => {
  await server?.dispose();
  temporary.remove();
});

const run = (cwd: string, line: string, more: { readonly terminal?: number } = {}): Promise<CliResult> =>
  yard(line.split(" "), { cwd, env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() }, ...more });

/** A folder with these files. */
function project(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(temporary.path, name);
  mkdirSync(folder);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

async function stepsOf(name: string) {
  const { items } = await server.client.call(routes.steps, { params: { workspace: "default", name } });
  return Object.fromEntries(items.map((item) => [item.key, item]));
}

const logOf = async (name: string, step: string): Promise<string> =>
  readWholeLog(server, (await stepsOf(name))[step]?.job ?? "");

const PYTHON = "environment: azureml:python-3@latest";

describe("a pipeline", () => {
  it("of component files, a nested pipeline, a branch and a loop runs to its registered output", async () => {
    const folder = join(temporary.path, "words");
    cpSync(EXAMPLE, folder, { recursive: true });

    const said = await run(folder, "job create --file pipeline.yml --name words --stream");

    expect(said, said.err).toMatchObject({ code: 0 });
    expect(said.out).toMatch(/report\/write {2}Completed/);
    expect(await getJob(server, "words")).toMatchObject({
      status: "Completed",
      outputs: { report: { asset: "azureml:word-report:1" } },
    });
    const steps = await stepsOf("words");
    expect(steps).toMatchObject({
      count: { status: "Completed", after: [] },
      decide: { status: "Completed", type: "if_else", after: ["count"] },
      report: { status: "Completed", type: "pipeline", after: ["count", "decide"] },
      nothing: { status: "Skipped", status_reason: "another branch was taken" },
      letters: { status: "Completed", type: "parallel_for", after: ["report"] },
      "letters#0": { status: "Completed" },
      "letters#1": { status: "Completed" },
    });
    await run(folder, "data download --name word-report --version 1 --download-path got");
    const [report = ""] = readdirSync(join(folder, "got"), { recursive: true })
      .map(String)
      .filter((file) => file.endsWith("report.txt"));
    expect(readFileSync(join(folder, "got", report), "utf8")).toBe("Words of the texts\nthe,4\nsat,2\non,2\n");
  });

  it("is drawn, shown with its steps, and its children are listed", async () => {
    const graph = await run(temporary.path, "job graph --name words --output table");
    const shown = JSON.parse((await run(temporary.path, "job show --name words --output json")).out);
    const children = JSON.parse((await run(temporary.path, "job list --parent-job-name words --output json")).out);

    expect(graph.out).toMatch(/^count {2}Completed.*\n├─ decide|^count {2}Completed.*\n└─ decide/);
    expect(graph.out).toMatch(/└─ letters#1/);
    expect(shown.spec.jobs.count.component.command).toContain("count.py");
    expect(shown.steps.map(({ path }: { path: string }) => path)).toContain("report/sort");
    expect(children.map(({ step }: { step: string }) => step).sort()).toEqual([
      "count",
      "letters#0",
      "letters#1",
      "report",
    ]);
  });

  it("goes round a loop until its condition is false, and hands on what the last round wrote", async () => {
    const folder = project("loop", {
      "pipeline.yml": `
type: pipeline
jobs:
  start:
    command: echo 0 > \${{outputs.n}}
    ${PYTHON}
    outputs: {n: {type: integer}}
  body:
    command: echo $((\${{inputs.n}} + 1)) > \${{outputs.n}}; [ \${{inputs.n}} -lt 2 ] && echo true > \${{outputs.more}} || echo false > \${{outputs.more}}
    ${PYTHON}
    inputs: {n: "\${{parent.jobs.start.outputs.n}}"}
    outputs: {n: {type: integer}, more: {type: boolean}}
  rounds:
    type: do_while
    body: \${{parent.jobs.body}}
    condition: \${{parent.jobs.body.outputs.more}}
    mapping: {n: "\${{parent.jobs.body.inputs.n}}"}
    limits: {max_iteration_count: 10}
  say:
    command: echo "counted to \${{inputs.n}}"
    ${PYTHON}
    inputs: {n: "\${{parent.jobs.rounds.outputs.n}}"}
`,
    });

    const { code, err } = await run(folder, "job create --file pipeline.yml --name rounds --stream");

    expect(code, err).toBe(0);
    expect(Object.keys(await stepsOf("rounds"))).toEqual([
      "start",
      "rounds",
      "rounds#0",
      "rounds#1",
      "rounds#2",
      "say",
    ]);
    expect(await logOf("rounds", "say")).toContain("counted to 3");
  });

  it("goes on with what does not need a failed step, and says which failed", async () => {
    const folder = project("failing", {
      "pipeline.yml": `
type: pipeline
jobs:
  bad: {command: exit 3, ${PYTHON}, outputs: {o: }}
  after: {command: "true", ${PYTHON}, inputs: {o: "\${{parent.jobs.bad.outputs.o}}"}}
  good: {command: "true", ${PYTHON}}
`,
    });

    const said = await run(folder, "job create --file pipeline.yml --name failing --stream");

    expect(said.code).toBe(1);
    expect(await getJob(server, "failing")).toMatchObject({ status: "Failed" });
    expect(await stepsOf("failing")).toMatchObject({
      bad: { status: "Failed" },
      after: { status: "Skipped", status_reason: "a step that it needs did not complete" },
      good: { status: "Completed" },
    });
  });

  it("is refused as a whole, with what is wrong in its steps, before anything runs", async () => {
    const folder = project("wrong", {
      "pipeline.yml": `
type: pipeline
jobs:
  a: {command: "true", ${PYTHON}, inputs: {d: {type: uri_folder, path: "azureml:nothing@latest"}}}
  b: {component: "azureml:nobody:3"}
  c: {command: "true", environment: "azureml:no-such-environment@latest"}
  d: {type: spark, component: "azureml:x:1"}
`,
    });

    const said = await run(folder, "job create --file pipeline.yml --name wrong");

    expect(said.code).not.toBe(0);
    const told = said.out + said.err;
    for (const field of ["jobs.a.inputs.d", "jobs.b.component", "jobs.c.environment", "jobs.d.type"]) {
      expect(told).toContain(field);
    }
    expect(told).toContain("pipeline.yml:6:");
    const found = await run(folder, "job show --name wrong");
    expect(found.code).not.toBe(0);
  });

  it("of registered components takes them by version and label", async () => {
    const folder = project("registered", {
      "say.yml": `
type: command
name: say
version: 1
inputs: {what: {type: string, default: nothing}}
${PYTHON}
command: echo "said \${{inputs.what}}"
`,
      "pipeline.yml": `
type: pipeline
inputs: {what: hello}
jobs:
  one: {component: "azureml:say:1", inputs: {what: "\${{parent.inputs.what}}"}}
  two: {component: "azureml:say@latest"}
`,
    });
    expect((await run(folder, "component create --file say.yml")).code).toBe(0);

    const { code, err } = await run(folder, "job create --file pipeline.yml --name registered --stream");

    expect(code, err).toBe(0);
    expect(await logOf("registered", "one")).toContain("said hello");
    expect(await logOf("registered", "two")).toContain("said nothing");
  });

  it("that is canceled leaves nothing running", async () => {
    const folder = project("long", {
      "inner.yml": `
type: pipeline
name: inner
version: 1
jobs:
  deep: {command: touch ${temporary.path}/began; sleep 600, ${PYTHON}}
`,
      "pipeline.yml": `
type: pipeline
jobs:
  a: {command: sleep 600, ${PYTHON}}
  b: {component: ./inner.yml}
`,
    });
    await run(folder, "job create --file pipeline.yml --name long");
    await until(() => existsSync(join(temporary.path, "began")), "the step of the nested pipeline to begin");

    const { code } = await run(folder, "job cancel --name long --reason enough --yes");

    expect(code).toBe(0);
    expect(await getJob(server, "long")).toMatchObject({ status: "Canceled", status_reason: "enough" });
    const steps = await stepsOf("long");
    const inner = await stepsOf(steps.b?.job ?? "");
    expect([steps.a?.status, steps.b?.status, inner.deep?.status]).toEqual(["Canceled", "Canceled", "Canceled"]);
  });

  it("outlives a server that is killed: each step runs once", async () => {
    const { job, ran, attempts } = await killPipeline(server, 12, 2);

    expect(job.status_reason ?? "").toBe("");
    expect(job.status).toBe("Completed");
    expect(ran).toEqual(Array.from({ length: 12 }, () => 1));
    expect(attempts).toEqual(Array.from({ length: 12 }, () => 1));
  });
});
