import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jobs } from "../../../src/contract/routes/jobs.ts";
import { yard } from "../../helpers/cli.ts";
import { readWholeLog, startServer, type TestServer } from "../../helpers/server.ts";

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startServer();
  folder = join(server.dir, "project");
  mkdirSync(join(folder, "src"), { recursive: true });
});
afterAll(() => server.dispose());

const cli = (argv: readonly string[]) =>
  yard(argv, {
    cwd: folder,
    env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token(), PATH: process.env.PATH ?? "" },
  });

const SCORE = `
import argparse, os
def init():
    global args
    parser = argparse.ArgumentParser()
    parser.add_argument("--factor", type=int)
    args, _ = parser.parse_known_args()
def run(mini_batch):
    return [f"{os.path.basename(path)} {int(open(path).read()) * args.factor}" for path in mini_batch]
`;

const PIPELINE = `
type: pipeline
settings: {default_compute: azureml:cpu-cluster}
inputs: {factor: 3}
outputs: {scores: {type: uri_file}}
jobs:
  make:
    command: for i in 1 2 3 4 5; do echo $i > \${{outputs.numbers}}/$i.txt; done
    environment: azureml:plain@latest
    outputs: {numbers: {type: uri_folder}}
  score:
    type: parallel
    inputs:
      numbers: {type: uri_folder, path: "\${{parent.jobs.make.outputs.numbers}}"}
      factor: \${{parent.inputs.factor}}
    outputs: {rows: "\${{parent.outputs.scores}}"}
    input_data: \${{inputs.numbers}}
    mini_batch_size: "2"
    max_concurrency_per_instance: 2
    resources: {instance_count: 2}
    mini_batch_error_threshold: 0
    task:
      type: run_function
      code: ./src
      entry_script: score.py
      program_arguments: --factor \${{inputs.factor}} --allowed_failed_percent 5
      append_row_to: \${{outputs.rows}}
      environment: azureml:plain@latest
`;

test("a parallel step scores mini-batches of what another step made, on two machines' worth of processes", async () => {
  writeFileSync(join(folder, "src/score.py"), SCORE);
  writeFileSync(join(folder, "plain.yml"), "name: plain\nversion: 1\nimage: python:3\n");
  writeFileSync(join(folder, "pipeline.yml"), PIPELINE);
  const made = await cli(["environment", "create", "--file", "plain.yml"]);
  expect(made.code, made.err).toBe(0);

  const done = await cli(["job", "create", "--file", "pipeline.yml", "--name", "scoring", "--stream"]);

  expect(done.code, done.out + done.err).toBe(0);
  const params = { workspace: "default" };
  const all = await server.client.call(jobs.list, { params, query: { parent_job_name: "scoring" } });
  const score = all.items.find(({ step }) => step === "score");
  expect(score).toMatchObject({ type: "parallel", status: "Completed" });
  expect(await readWholeLog(server, score?.name ?? "")).toContain("3 of 3 mini-batches done, 0 failed");
  const { outputs } = await server.client.call(jobs.get, { params: { ...params, name: "scoring" } });
  const found = await server.client.raw(
    `/api/v1/workspaces/default/content?uri=${encodeURIComponent(outputs.scores?.path ?? "")}`,
  );
  expect(await new Response(found.body).text()).toBe("1.txt 3\n2.txt 6\n3.txt 9\n4.txt 12\n5.txt 15\n");
});

test("a parallel step that names what it has not is refused with the field", async () => {
  writeFileSync(
    join(folder, "wrong.yml"),
    PIPELINE.replace("append_row_to: ${{outputs.rows}}", "append_row_to: ${{outputs.lines}}"),
  );

  const refused = await cli(["job", "create", "--file", "wrong.yml"]);

  expect(refused.code).not.toBe(0);
  expect(refused.err).toContain("lines");
  expect(refused.err).toContain("wrong.yml");
});
