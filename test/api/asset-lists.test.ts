import { afterAll, beforeAll, expect, test } from "vitest";
import { ASSET_ORDER_PREFIX, assetOrderKey, assetPartition } from "../../src/store/facts/keys.ts";
import { type MeteredHome, openMeteredHome } from "../helpers/metered-home.ts";

const VERSIONS = "/api/v1/workspaces/default/data/d/versions";
const PATH = "azureml://datastores/workspaceblobstore/paths/d/";

let home: MeteredHome;
beforeAll(async () => {
  home = await openMeteredHome();
  for (const description of ["one", "x".repeat(5000), "three"])
    await home.ask("POST", VERSIONS, { type: "uri_folder", path: PATH, description });
});
afterAll(() => home.close());

const list = async () => JSON.parse(await home.ask("GET", VERSIONS)).items as { version: string }[];
const shapes = async () => {
  const { items } = await home.ground.table.query({
    pk: assetPartition("default", "data", "d"),
    sk: { prefix: ASSET_ORDER_PREFIX },
  });
  return items.map(({ v }) => v);
};

test("a list shows versions as they are, whether they stand in the order or are too large for it", async () => {
  const alone = await Promise.all(
    ["3", "2", "1"].map(async (v) => JSON.parse(await home.ask("GET", `${VERSIONS}/${v}`))),
  );

  expect(await shapes()).toEqual([2, 1, 2]);
  expect(await list()).toEqual(alone);
});

test("an order that was written before it held versions is read, and holds a version once that is changed", async () => {
  const before = await list();
  for (const seq of [1, 2, 3]) {
    const item = { ...assetOrderKey("default", "data", "d", seq), type: "asset-order", v: 1, version: String(seq) };
    await home.ground.table.transact([{ kind: "put", item }]);
  }
  expect(await list()).toEqual(before);

  await home.ask("PATCH", `${VERSIONS}/3`, { tags: { seen: "yes" } });

  expect(await shapes()).toEqual([1, 1, 2]);
  expect(await list()).toMatchObject([{ version: "3", tags: { seen: "yes" } }, { version: "2" }, { version: "1" }]);
});
