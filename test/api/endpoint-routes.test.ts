import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import { openRouteStore } from "../../src/store/endpoint-routes.ts";
import { openEndpointFrame, SPEC } from "../helpers/endpoint-frame.ts";

async function open() {
  const frame = await openEndpointFrame();
  const deps = { ...frame, digest: makeDigest(), newId: frame.ids.hex32 };
  await frame.ask("PUT", "/shop", {});
  return { ...frame, deps, routes: openRouteStore(deps) };
}

it("a route says where requests go and who may ask, by hashes of the keys", async () => {
  const { ask, settle, routes } = await open();
  await ask("PUT", "/shop/deployments/blue", SPEC);
  await settle("shop", "blue");
  await ask("PATCH", "/shop", { traffic: { blue: 100 }, mirror_traffic: { blue: 10 } });
  const { primaryKey, secondaryKey } = (await ask("GET", "/shop/keys")).json;

  await routes.refresh("default", "shop");

  const hashes = [primaryKey, secondaryKey].map((key) => createHash("sha256").update(key).digest("hex"));
  expect(await routes.get("default", "shop")).toMatchObject({
    workspace: "default",
    name: "shop",
    authMode: "key",
    keyHashes: hashes,
    traffic: { blue: 100 },
    mirrorTraffic: { blue: 10 },
    targets: { blue: { handle: expect.stringContaining("shop/blue/1"), limitMs: 5500 } },
  });
});

it("a route that was read before a change never overwrites one that was read after it", async () => {
  const { ask, deps, endpoints, routes } = await open();
  let late = false;
  const slow = openRouteStore({
    ...deps,
    endpoints: {
      ...endpoints,
      async getEndpoint(workspace, name) {
        const found = await endpoints.getEndpoint(workspace, name);
        if (late) return found;
        late = true;
        await ask("PUT", "/shop", { auth_mode: "aml_token" });
        await routes.refresh(workspace, name);
        return found;
      },
    },
  });

  await slow.refresh("default", "shop");

  expect(late).toBe(true);
  expect(await routes.get("default", "shop")).toMatchObject({ authMode: "aml_token" });
});

it("a route goes with its endpoint, and is not missed twice", async () => {
  const { ask, routes, settleDeleted } = await open();
  await routes.refresh("default", "shop");
  expect(await routes.get("default", "shop")).toBeDefined();
  const deleted = ask("DELETE", "/shop");
  await settleDeleted("shop");
  await deleted;

  await routes.refresh("default", "shop");
  await routes.refresh("default", "shop");

  expect(await routes.get("default", "shop")).toBeUndefined();
});
