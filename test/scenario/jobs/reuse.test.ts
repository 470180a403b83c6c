import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StepReuse } from "../../../src/contract/reuse.ts";
import { type CliResult, yard } from "../../helpers/cli.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";

const temporary = makeTempDir();
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.dispose();
  temporary.remove();
});

const run = (line: string, cwd = temporary.path): Promise<CliResult> =>
  yard(line.split(" "), { cwd, env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() } });

/** Taxi rides: each script reads CSV files of a folder and writes one. */
const SCRIPTS: Readonly<Record<string, string>> = {
  "prep/prep.py": `
import csv, sys, pathlib
rows = [row for path in sorted(pathlib.Path(sys.argv[1]).glob("*.csv")) for row in csv.DictReader(open(path))]
out = csv.DictWriter(open(pathlib.Path(sys.argv[2]) / "rides.csv", "w"), ["miles", "fare"])
out.writeheader()
out.writerows({"miles": row["miles"], "fare": row["fare"]} for row in rows if float(row["fare"]) > 0)
`,
  "transform/transform.py": `
import csv, sys, pathlib
rows = list(csv.DictReader(open(pathlib.Path(sys.argv[1]) / "rides.csv")))
with open(pathlib.Path(sys.argv[2]) / "features.csv", "w") as out:
    for row in rows: out.write(f"{float(row['miles']):.2f},{float(row['fare']):.2f}\\n")
`,
  "train/train.py": `
import sys, pathlib
points = [tuple(map(float, line.split(","))) for line in open(pathlib.Path(sys.argv[1]) / "features.csv")]
rate = sum(fare for _, fare in points) / sum(miles for miles, _ in points)
(pathlib.Path(sys.argv[2]) / "model.txt").write_text(str(rate))
`,
  "predict/predict.py": `
import sys, pathlib
rate = float((pathlib.Path(sys.argv[1]) / "model.txt").read_text())
points = [tuple(map(float, line.split(","))) for line in open(pathlib.Path(sys.argv[2]) / "features.csv")]
(pathlib.Path(sys.argv[3]) / "predictions.csv").write_text("".join(f"{miles * rate},{fare}\\n" for miles, fare in points))
`,
  "score/score.py": `
import sys, pathlib
rows = [tuple(map(float, line.split(","))) for line in open(pathlib.Path(sys.argv[1]) / "predictions.csv")]
(pathlib.Path(sys.argv[2]) / "score.txt").write_text(str(sum(abs(a - b) for a, b in rows) / len(rows)))
`,
};

const PIPELINE = `
type: pipeline
experiment_name: taxi
inputs:
  raw: { type: uri_folder, path: ./data }
settings: { default_compute: azureml:local }
jobs:
  prep:
    command: python prep.py \${{inputs.raw}} \${{outputs.rides}}
    code: ./prep
    environment: azureml:python-3@latest
    inputs: { raw: "\${{parent.inputs.raw}}" }
    outputs: { rides: { type: uri_folder } }
  transform:
    command: python transform.py \${{inputs.rides}} \${{outputs.features}}
    code: ./transform
    environment: azureml:python-3@latest
    inputs: { rides: "\${{parent.jobs.prep.outputs.rides}}" }
    outputs: { features: { type: uri_folder } }
  train:
    command: python train.py \${{inputs.features}} \${{outputs.model}}
    code: ./train
    environment: azureml:python-3@latest
    inputs: { features: "\${{parent.jobs.transform.outputs.features}}" }
    outputs: { model: { type: custom_model } }
  predict:
    command: python predict.py \${{inputs.model}} \${{inputs.features}} \${{outputs.predictions}}
    code: ./predict
    environment: azureml:python-3@latest
    inputs:
      model: "\${{parent.jobs.train.outputs.model}}"
      features: "\${{parent.jobs.transform.outputs.features}}"
    outputs: { predictions: { type: uri_folder } }
  score:
    command: python score.py \${{inputs.predictions}} \${{outputs.score}}
    code: ./score
    environment: azureml:python-3@latest
    inputs: { predictions: "\${{parent.jobs.predict.outputs.predictions}}" }
    outputs: { score: { type: uri_folder } }
`;

function write(files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    const path = join(temporary.path, file);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }
}

async function submit(name: string, more = ""): Promise<Readonly<Record<string, StepReuse>>> {
  const said = await run(`job create --file pipeline.yml --name ${name} --stream${more}`);
  expect(said, said.out + said.err).toMatchObject({ code: 0 });
  return whyOf(name);
}

async function whyOf(name: string): Promise<Readonly<Record<string, StepReuse>>> {
  const items: StepReuse[] = JSON.parse((await run(`job why --name ${name} --output json`)).out);
  return Object.fromEntries(items.map((item) => [item.key, item]));
}

const ran = (steps: Readonly<Record<string, StepReuse>>): string[] =>
  Object.values(steps)
    .filter((step) => step.reused_from === undefined)
    .map((step) => step.key);

describe("reuse", () => {
  it("runs what was not run before, and of a changed pipeline what depends on changed bytes", async () => {
    write({ ...SCRIPTS, "pipeline.yml": PIPELINE, "data/green.csv": "miles,fare\n1.5,7\n2,9.5\n3,-1\n" });

    const first = await submit("taxi-1");
    const second = await submit("taxi-2");

    expect(ran(first)).toEqual(["prep", "transform", "train", "predict", "score"]);
    expect(first.prep?.reason).toContain("first of its kind");
    expect(ran(second)).toEqual([]);
    expect(second.train?.reused_from).toBe(first.train?.job);

    // The same bytes as before come out of another script: nothing after it is invalidated.
    write({ "prep/prep.py": `# tidied${SCRIPTS["prep/prep.py"]}` });
    const tidied = await submit("taxi-3");
    expect(ran(tidied)).toEqual(["prep"]);
    expect(tidied.prep).toMatchObject({
      nearest: second.prep?.job,
      differences: [{ part: "code", files: ["prep.py"] }],
    });

    write({ "train/train.py": SCRIPTS["train/train.py"]?.replace("str(rate)", "str(rate * 2)") ?? "" });
    const changed = await submit("taxi-4");
    expect(ran(changed)).toEqual(["train", "predict", "score"]);
    expect(changed.train?.differences.map(({ part }) => part)).toEqual(["code"]);
    expect(changed.predict?.differences.map(({ part }) => part)).toEqual(["inputs.model"]);
    const told = await run("job why --step train --output table");
    expect(told.out).toMatch(/train +ran +code: train\.py/);
  });

  it("runs all of it where that is said, and what lost its outputs", async () => {
    const forced = await submit("taxi-5", " --force-rerun");
    expect(ran(forced)).toEqual(["prep", "transform", "train", "predict", "score"]);
    expect(forced.prep?.reason).toContain("run again");

    const place = join(server.dir, "objects", "ws", "default", "datastore", "azureml", forced.transform?.job ?? "");
    rmSync(place, { recursive: true });
    const healed = await submit("taxi-6");
    expect(ran(healed)).toEqual(["transform"]);
    expect(healed.transform?.reason).toContain("output `features` is not there any more");
  });
});

it("a reused step shows the log of the job whose results it has, and one with a place of its own runs", async () => {
  const pipeline = `
type: pipeline
jobs:
  say:
    command: echo said once > \${{outputs.text}}/a; echo to the log
    environment: azureml:python-3@latest
    outputs: { text: { type: uri_folder } }
  place:
    command: cp \${{inputs.text}}/a \${{outputs.copy}}/a
    environment: azureml:python-3@latest
    inputs: { text: "\${{parent.jobs.say.outputs.text}}" }
    outputs: { copy: { type: uri_folder, path: "azureml://datastores/workspaceblobstore/paths/\${{name}}/" } }
`;
  writeFileSync(join(temporary.path, "say.yml"), pipeline);
  for (const name of ["first", "second"]) {
    const done = await run(`job create --file say.yml --name ${name} --stream`);
    expect(done.code, done.out + done.err).toBe(0);
  }

  const steps = JSON.parse((await run("job list --parent-job-name second -o json")).out);
  const [say, place] = ["say", "place"].map((step) => steps.find((job: { step: string }) => job.step === step));
  const log = await run(`job stream --name ${say.name}`);

  expect(say).toMatchObject({ status: "Completed", started_at: say.created_at, ended_at: say.created_at });
  expect(say.reused_from).toBeDefined();
  expect(place.reused_from).toBeUndefined();
  expect(log.out).toContain("to the log");
});
