import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { yard } from "../../helpers/cli.ts";
import { startServer, type TestServer } from "../../helpers/server.ts";

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startServer();
  folder = join(server.dir, "project");
  mkdirSync(join(folder, "sales"), { recursive: true });
  for (const [store, units] of Object.entries({ bern: 4, chur: 6, genf: 11 })) {
    writeFileSync(join(folder, "sales", `${store}.csv`), `units\n${units}\n`);
  }
  writeFileSync(join(folder, "plain.yml"), "name: plain\nversion: 1\nimage: python:3\n");
  expect((await cli(["environment", "create", "--file", "plain.yml"])).code).toBe(0);
});
afterAll(() => server.dispose());

const cli = (argv: readonly string[]) =>
  yard(argv, {
    cwd: folder,
    env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token(), PATH: process.env.PATH ?? "" },
  });

/** Trains by counting; logs by MLflow's REST interface, as a shell can. */
const TRAIN = [
  "units=$(tail -1 ${{inputs.part}})",
  "echo $units > ${{outputs.model}}/weights",
  'curl -sf -X POST "$MLFLOW_TRACKING_URI/api/2.0/mlflow/runs/log-metric" -H "authorization: Bearer $MLFLOW_TRACKING_TOKEN" -H content-type:application/json' +
    ' -d "{\\"run_id\\": \\"$MLFLOW_RUN_ID\\", \\"key\\": \\"units\\", \\"value\\": $units, \\"timestamp\\": 1}"',
].join(" && ");

const pipeline = (of: string, more = "") => `
type: pipeline
inputs: {sales: {type: uri_folder, path: ./sales}}
jobs:
${more}  train:
    command: ${JSON.stringify(TRAIN)}
    environment: azureml:plain@latest
    inputs: {part: {type: uri_file, path: ./sales/bern.csv}}
    outputs: {model: {type: custom_model}}
  each_store:
    type: parallel_for
    body: train
    partitions: {of: "${of}", input: part}
    models: {group: sales, output: model}
    max_concurrency: 2
`;

const SPLIT = `  split:
    command: mkdir \${{outputs.parts}}/ch && head -1 \${{inputs.sales}}/bern.csv > \${{outputs.parts}}/ch/uri.csv && echo 7 >> \${{outputs.parts}}/ch/uri.csv
    environment: azureml:plain@latest
    inputs: {sales: "\${{parent.inputs.sales}}"}
    outputs: {parts: {type: uri_folder}}
`;

test("a loop over the files of some data trains and registers a model each, and a table shows them", async () => {
  writeFileSync(join(folder, "many.yml"), pipeline("${{parent.inputs.sales}}"));

  const done = await cli(["job", "create", "--file", "many.yml", "--stream"]);
  const table = await cli(["model", "group", "--name", "sales", "-o", "json"]);

  expect(done.code, done.out + done.err).toBe(0);
  expect(JSON.parse(table.out)).toMatchObject([
    { partition: "bern", name: "sales-bern", version: "1", metrics: { units: 4 } },
    { partition: "chur", name: "sales-chur", version: "1", metrics: { units: 6 } },
    { partition: "genf", name: "sales-genf", version: "1", metrics: { units: 11 } },
  ]);
});

test("the parts may be what another step made", async () => {
  writeFileSync(join(folder, "later.yml"), pipeline("${{parent.jobs.split.outputs.parts}}", SPLIT));

  const done = await cli(["job", "create", "--file", "later.yml", "--stream"]);
  const table = await cli(["model", "group", "--name", "sales", "-o", "json"]);

  expect(done.code, done.out + done.err).toBe(0);
  expect(JSON.parse(table.out)).toContainEqual(expect.objectContaining({ partition: "uri", metrics: { units: 7 } }));
});

test("a loop over what is no data, and a group of what is no model, are refused", async () => {
  writeFileSync(join(folder, "none.yml"), pipeline("azureml://datastores/workspaceblobstore/paths/nothing/"));
  writeFileSync(join(folder, "file.yml"), pipeline("${{parent.inputs.sales}}").replace("custom_model", "uri_folder"));

  const none = await cli(["job", "create", "--file", "none.yml"]);
  const file = await cli(["job", "create", "--file", "file.yml"]);
  const group = await cli(["model", "group", "--name", "other"]);

  expect([none.code, file.code, group.code]).not.toContain(0);
  expect(none.err).toContain("there is nothing at");
  expect(file.err).toContain("output `model` of the body is of type `uri_folder`");
  expect(group.err).toContain("no models of group `other`");
});
