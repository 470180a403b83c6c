import { afterAll, beforeAll, expect, test } from "vitest";
import type { LineageGraph } from "../../src/contract/lineage.ts";
import { data } from "../../src/contract/routes/assets.ts";
import { yard } from "../helpers/cli.ts";
import { runJob, startServer, type TestServer } from "../helpers/server.ts";
import { deploy, putEndpoint, scriptSpec, uploadFiles, WORKSPACE } from "../helpers/serving.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

const run = (argv: readonly string[], terminal?: number) =>
  yard(argv, {
    cwd: server.dir,
    env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() },
    ...(terminal === undefined ? {} : { terminal }),
  });

async function edgesOf(argv: readonly string[]): Promise<string[]> {
  const { code, out, err } = await run(["lineage", ...argv]);
  expect(code, err).toBe(0);
  const { edges } = JSON.parse(out) as LineageGraph;
  return edges.map(({ from, to, role, name = "" }) => `${from} > ${to} [${role} ${name}]`).sort();
}

test("from registered data to what serves the model trained on it, and back", { timeout: 300_000 }, async () => {
  const path = await uploadFiles(server, { "rows.csv": "1,2\n" });
  const params = { workspace: WORKSPACE, name: "rows" };
  await server.client.call(data.create, { params, body: { type: "uri_folder", path } });
  const job = await runJob(server, "cp ${{inputs.rows}}/rows.csv ${{outputs.model}}/weights", {
    inputs: { rows: { type: "uri_folder", path: "azureml:rows@latest" } },
    outputs: { model: { type: "custom_model", name: "brain" } },
  });
  await putEndpoint(server, "shop");
  const script = "def init(): pass\ndef run(raw_data): return 1\n";
  const spec = await scriptSpec(server, script, { model: "azureml:brain@latest" });
  const live = await deploy(server, "shop", "blue", spec);
  const later = await runJob(server, "ls ${{inputs.brain}}", {
    inputs: { brain: { type: "custom_model", path: "azureml:brain:1" } },
  });

  const chain = [
    `data azureml:rows:1 > run ${job.name} [input rows]`,
    `model azureml:brain:1 > deployment shop/blue [deployed ]`,
    `run ${job.name} > model azureml:brain:1 [output model]`,
  ];
  const use = `model azureml:brain:1 > run ${later.name} [input brain]`;
  expect(job.status).toBe("Completed");
  expect(live.provisioning_state).toBe("Succeeded");
  expect(await edgesOf(["azureml:rows:1", "--kind", "data", "--down"])).toEqual([...chain, use].sort());
  expect(await edgesOf(["shop/blue", "--up"])).toEqual(chain);
  expect(await edgesOf(["azureml:brain:1", "--up", "--depth", "1"])).toEqual([chain[2]]);
  expect(await edgesOf([job.name])).toEqual([...chain, use].sort());
  expect(await edgesOf([later.name, "--kind", "job", "--up"])).toEqual([chain[0], use, chain[2]].sort());
  expect((await run(["lineage", "azureml:brain:1"], 120)).out).toBe(
    `model azureml:brain:1
made from
└─ run ${job.name}  Completed  [output model]
   └─ data azureml:rows:1  [input rows]
became
├─ deployment shop/blue  Succeeded  [deployed]
└─ run ${later.name}  Completed  [input brain]
`,
  );
});
