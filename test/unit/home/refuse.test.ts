import { expect, test } from "vitest";
import { makeApp } from "../../../src/api/app.ts";
import type { RawRoute } from "../../../src/api/raw-route.ts";
import { toResponse } from "../../../src/api/reply.ts";
import { computes } from "../../../src/contract/routes/index.ts";
import { grantsOf } from "../../../src/core/auth/rights.ts";
import { refuseAll } from "../../../src/home/refuse.ts";

async function ask(all: readonly RawRoute[], method: string, path: string, role?: "owner" | "reader") {
  const app = makeApp({
    routes: all,
    authenticate: async () =>
      role === undefined ? undefined : { kind: "user", name: role, grants: grantsOf({ "*": role }) },
    requestId: () => "id",
    onFault: (error) => {
      throw error;
    },
  });
  return toResponse(await app(new Request(`http://home.test/api/v1/workspaces/default${path}`, { method })));
}

test("refuses with its reason", async () => {
  const all = refuseAll([computes.put], "no machines here", "use another home");

  const put = await ask(all, "PUT", "/computes/c", "owner");

  expect(put.status).toBe(400);
  expect(await put.json()).toMatchObject({
    code: "NotSupported",
    detail: "no machines here",
    hint: "use another home",
  });
});

test("tells nobody anything who may not call it", async () => {
  const all = refuseAll([computes.put], "no machines here", "use another home");

  expect((await ask(all, "PUT", "/computes/c")).status).toBe(401);
  expect((await ask(all, "PUT", "/computes/c", "reader")).status).toBe(403);
});
