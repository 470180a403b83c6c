import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { jobs } from "../../src/client/routes.ts";
import { yard } from "../helpers/cli.ts";
import { makeTempDir, until } from "../helpers/ports.ts";
import { startServer } from "../helpers/server.ts";

const SCHEMAS = "https://azuremlschemas.azureedge.net/latest";
const ENDPOINT = `$schema: ${SCHEMAS}/batchEndpoint.schema.json
name: say-words
description: Says words
auth_mode: aad_token
`;
const STEP = `type: command
name: say
version: 1
code: ./src
command: sh say.sh "\${{inputs.word}}" \${{inputs.file}} | tee \${{outputs.said}}/said.txt
environment: azureml:python-3.11@latest
inputs:
  word: {type: string}
  file: {type: uri_file}
outputs:
  said: {type: uri_folder}
`;
const PIPELINE = `$schema: ${SCHEMAS}/pipelineComponent.schema.json
type: pipeline
name: say_words
inputs:
  word: {type: string, default: hello}
  file: {type: uri_file}
outputs:
  said: {type: uri_folder}
jobs:
  say:
    type: command
    component: ./say.yml
    inputs:
      word: \${{parent.inputs.word}}
      file: \${{parent.inputs.file}}
    outputs:
      said: \${{parent.outputs.said}}
`;
const deployment = (name: string) => `$schema: ${SCHEMAS}/pipelineComponentBatchDeployment.schema.json
name: ${name}
endpoint_name: say-words
type: pipeline
component: ./parts/pipeline.yml
settings:
  default_compute: local
`;
const MODEL = `$schema: ${SCHEMAS}/modelBatchDeployment.schema.json
name: scores
endpoint_name: say-words
type: model
model: azureml:it:1
compute: azureml:local
`;
const INPUTS = `inputs:
  word: hi
  file: {type: uri_file, path: ../names.txt}
`;

test("two versions of a pipeline are published and called, by default and by name", { timeout: 120_000 }, async () => {
  const temp = makeTempDir();
  const server = await startServer();
  onTestFinished(async () => {
    await server.dispose();
    temp.remove();
  });
  for (const folder of ["parts/src", "inputs"]) mkdirSync(join(temp.path, folder), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(temp.path, name), text);
  write("endpoint.yml", ENDPOINT);
  write("one.yml", deployment("one"));
  write("two.yml", deployment("two"));
  write("model.yml", MODEL);
  write("parts/say.yml", STEP);
  write("parts/pipeline.yml", PIPELINE);
  write("parts/src/say.sh", 'echo "$1, $(cat "$2")"\n');
  write("names.txt", "Ada\n");
  write("inputs/inputs.yml", INPUTS);
  const run = (argv: readonly string[]) =>
    yard([...argv, "-o", "json"], {
      cwd: temp.path,
      env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() },
    });
  const json = async (argv: readonly string[]) => {
    const result = await run(argv);
    expect(result, result.err).toMatchObject({ code: 0 });
    return result.out === "" ? undefined : JSON.parse(result.out);
  };
  const invoke = (...more: string[]) => json(["batch-endpoint", "invoke", "-n", "say-words", ...more]);

  await json(["batch-endpoint", "create", "-f", "endpoint.yml"]);
  const first = await json(["batch-deployment", "create", "-f", "one.yml", "--set-default"]);
  write("parts/src/say.sh", 'echo "$1! $(cat "$2")"\n');
  const second = await json(["batch-deployment", "create", "-f", "two.yml"]);
  expect([first, second].map(({ component, is_default }) => [component, is_default])).toEqual([
    ["azureml:say_words:1", true],
    ["azureml:say_words:2", false],
  ]);
  expect(await json(["batch-deployment", "list", "-e", "say-words"])).toHaveLength(2);

  const byDefault = await invoke("--file", "inputs/inputs.yml");
  const chosen = await invoke("--deployment-name", "two", "--input", "file=./names.txt", "word=Good day");

  const said = async ({ name }: { name: string }) => {
    await until(async () => {
      const { status } = await json(["job", "show", "-n", name]);
      expect(status).not.toBe("Failed");
      return status === "Completed" ? true : undefined;
    }, "the pipeline has ended");
    const [child] = await json(["job", "list", "-p", name]);
    const params = { workspace: "default", name: child.name };
    return (await server.client.call(jobs.log, { params, query: {} })).text;
  };
  expect(byDefault).toMatchObject({ experiment_name: "say-words", tags: { "endpoint.deployment": "one" } });
  expect(chosen).toMatchObject({ tags: { "endpoint.name": "say-words", "endpoint.deployment": "two" } });
  expect(await said(byDefault)).toContain("hi, Ada\n");
  expect(await said(chosen)).toContain("Good day! Ada\n");

  expect(await run(["batch-endpoint", "invoke", "-n", "say-words"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("required input `file` is not given"),
  });
  expect(await run(["batch-deployment", "create", "-f", "model.yml"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("deploys a model"),
  });
  expect(await json(["batch-endpoint", "update", "-n", "say-words", "--defaults", "two"])).toMatchObject({
    defaults: { deployment_name: "two" },
  });
  await json(["batch-deployment", "delete", "-n", "one", "-e", "say-words", "--yes"]);
  expect((await json(["batch-endpoint", "show", "-n", "say-words"])).deployments).toEqual(["two"]);
  await json(["batch-endpoint", "delete", "-n", "say-words", "--yes"]);
  expect(await json(["batch-endpoint", "list"])).toEqual([]);
});
