import { expect, test } from "vitest";
import { activities, batchDeployments, batchEndpoints, components, jobs } from "../../src/client/routes.ts";
import type { BatchDeploymentSpec, InvokeBatchEndpoint } from "../../src/contract/batch-endpoints.ts";
import { signUserToken } from "../../src/core/auth/tokens.ts";
import { composeAssets } from "../../src/home/compose-assets.ts";
import { composeBatchEndpoints } from "../../src/home/compose-batch-endpoints.ts";
import { composeTracking } from "../../src/home/compose-tracking.ts";
import { composeFiles } from "../../src/local/compose-files.ts";
import { purgeRecords } from "../../src/store/workspace-purge.ts";
import { type JobFrame, openJobFrame } from "../helpers/job-frame.ts";
import { expectCode } from "../helpers/ports.ts";

const workspace = "default";
const at = (endpoint: string) => ({ params: { workspace, endpoint } });
const of = (deployment: string, endpoint = "words") => ({ params: { workspace, endpoint, deployment } });
const pipeline = (command: string, more: object = {}) => ({
  type: "pipeline",
  inputs: {
    least: { type: "integer" },
    texts: { type: "uri_folder" },
    title: { type: "string", default: "the texts" },
  },
  jobs: {
    count: {
      type: "command",
      command: `${command} \${{inputs.least}} \${{inputs.texts}}`,
      environment: "python-3",
      inputs: { least: "${{parent.inputs.least}}", texts: "${{parent.inputs.texts}}" },
    },
  },
  ...more,
});
const GIVEN = { least: 2, texts: "azureml://datastores/workspaceblobstore/paths/texts" };

/** Jobs, components and an endpoint `words`. */
async function open(): Promise<JobFrame> {
  const frame = await openJobFrame({
    more: ({ ground, stores, files, digest, submit }) => {
      const { places, lookups, close } = composeFiles(ground, stores);
      const assets = composeAssets(ground, stores, { home: "laptop", files, places, lookups, digest });
      const rooms = [assets, composeBatchEndpoints(ground, stores, { digest, submit })];
      return { routes: [...rooms, composeTracking(ground, stores, { files })].flatMap((it) => it.routes ?? []), close };
    },
  });
  await frame.client.call(batchEndpoints.put, { ...at("words"), body: { description: "counts" } });
  return frame;
}

const publish = ({ client }: JobFrame, name: string, spec: BatchDeploymentSpec) =>
  client.call(batchDeployments.put, { ...of(name), body: spec });
const choose = ({ client }: JobFrame, name: string) =>
  client.call(batchEndpoints.update, { ...at("words"), body: { defaults: { deployment_name: name } } });
const invoke = ({ client }: JobFrame, body: InvokeBatchEndpoint) =>
  client.call(batchEndpoints.invoke, { ...at("words"), body });

async function fieldsOf(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason as { details: { errors?: { field: string }[] } },
  );
  return (error?.details.errors ?? []).map(({ field }) => field).sort();
}

test("the default version is called, or the one that is named; both are jobs of the caller", async () => {
  const frame = await open();
  const { client, ground } = frame;
  const first = await publish(frame, "first", { component: pipeline("one", { name: "count-words" }) });
  const second = await publish(frame, "second", {
    component: pipeline("two", { name: "count-words" }),
    settings: { continue_on_step_failure: false },
  });
  expect([first.component, second.component]).toEqual(["azureml:count-words:1", "azureml:count-words:2"]);
  await expectCode(() => invoke(frame, { inputs: GIVEN }), "InvalidArgument");
  expect(await choose(frame, "first")).toMatchObject({ defaults: { deployment_name: "first" } });

  const ada = await signUserToken(ground.signer, { name: "ada", roles: { "*": "contributor" }, id: "ada" });
  const plain = await frame.as(ada).call(batchEndpoints.invoke, { ...at("words"), body: { inputs: GIVEN } });
  const chosen = await invoke(frame, {
    deployment_name: "second",
    inputs: { ...GIVEN, least: { type: "integer", value: "3" } },
    display_name: "by hand",
    tags: { why: "test" },
  });

  expect(plain).toMatchObject({
    type: "pipeline",
    created_by: "user:ada",
    experiment_name: "words",
    tags: { "endpoint.name": "words", "endpoint.deployment": "first" },
    spec: { inputs: { least: { type: "integer", value: "2" }, texts: { type: "uri_folder", path: GIVEN.texts } } },
  });
  expect(chosen).toMatchObject({
    display_name: "by hand",
    tags: { "endpoint.deployment": "second", why: "test" },
    spec: { settings: { continue_on_step_failure: false }, inputs: { least: { value: "3" } } },
  });
  const found = await client.call(jobs.get, { params: { workspace, name: chosen.name } });
  expect(found.name).toBe(chosen.name);
  const { items } = await client.call(activities.list, {
    params: { workspace },
    query: { resource: "batch-endpoint" },
  });
  expect(items.map(({ action }) => action)).toEqual(["update", "deploy", "deploy", "create"]);
});

test("missing, unknown and wrong inputs are refused with their fields", async () => {
  const frame = await open();
  await publish(frame, "first", { component: pipeline("one") });
  await choose(frame, "first");

  expect(await fieldsOf(invoke(frame, { inputs: { texts: GIVEN.texts } }))).toEqual(["inputs.least"]);
  expect(await fieldsOf(invoke(frame, { inputs: { ...GIVEN, lest: 1, a: 2 } }))).toEqual(["inputs.a", "inputs.lest"]);
  expect(await fieldsOf(invoke(frame, { inputs: { ...GIVEN, least: "many" } }))).toContain("inputs.least");
  await expectCode(() => invoke(frame, { deployment_name: "nothing", inputs: GIVEN }), "NotFound");
  const { items } = await frame.client.call(jobs.list, { params: { workspace } });
  expect(items).toEqual([]);
});

test("a reference is pinned, and only pipelines are published", async () => {
  const frame = await open();
  const { client } = frame;
  const register = (type: string, spec: Record<string, unknown>) =>
    client.call(components.create, { params: { workspace, name: `a-${type}` }, body: { type, spec } });
  await register("pipeline", pipeline("one"));
  await register("command", { type: "command", command: "true", environment: "python-3" });

  const made = await publish(frame, "first", { component: "azureml:a-pipeline@latest" });
  await register("pipeline", pipeline("two"));

  expect(made.component).toBe("azureml:a-pipeline:1");
  expect(await client.call(batchDeployments.get, of("first"))).toEqual(made);
  for (const component of ["azureml:a-command:1", "azureml:nothing:1", pipeline("one", { name: "no/name" })]) {
    const fields = await fieldsOf(publish(frame, "second", { component }));
    expect(fields).toEqual([typeof component === "string" ? "component" : "component.name"]);
  }
  expect((await client.call(batchEndpoints.get, at("words"))).deployments).toEqual(["first"]);
});

test("the default stays while the endpoint does; with a workspace's records all of them go", async () => {
  const frame = await open();
  const { client, ground } = frame;
  await publish(frame, "first", { component: pipeline("one") });
  await publish(frame, "second", { component: pipeline("two") });
  await choose(frame, "first");
  expect(await fieldsOf(choose(frame, "third"))).toEqual(["defaults.deployment_name"]);

  await expectCode(() => client.call(batchDeployments.delete, of("first")), "InUse");
  await client.call(batchDeployments.delete, of("second"));
  // Settings made anew leave what is published.
  expect(await client.call(batchEndpoints.put, { ...at("words"), body: {} })).toMatchObject({
    deployments: ["first"],
    defaults: { deployment_name: "first" },
  });
  await client.call(batchEndpoints.delete, at("words"));
  await expectCode(() => client.call(batchDeployments.list, at("words")), "NotFound");

  await client.call(batchEndpoints.put, { ...at("other"), body: {} });
  await purgeRecords(ground.table, workspace);
  expect((await ground.table.query({ pk: `W#${workspace}#BATCH-ENDPOINTS`, limit: 10 })).items).toEqual([]);
});
