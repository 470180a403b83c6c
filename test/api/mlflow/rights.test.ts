import { describe, expect, it } from "vitest";
import { type MlflowDeps, makeMlflowRoutes } from "../../../src/api/mlflow/routes.ts";
import { openTrackingApi } from "../../helpers/tracking.ts";

/** Only its routes are looked at; none of these handlers is called. */
const ROUTES = makeMlflowRoutes({} as MlflowDeps);

// CVE-2025-15381, 2026-0545, 2026-2652, 2026-8147, 2026-33866: of MLflow's routes, some were guarded and their twins were not.
describe("every MLflow route", () => {
  it("that needs no token tells nothing of a workspace, or checks a signature of its own", () => {
    const open = ROUTES.filter(({ access }) => access === "open").map(({ method, path }) => `${method} ${path}`);

    expect(open.filter((route) => !/\/(health|version|server-info|mpu\/part)$/.test(route))).toEqual([]);
    expect(ROUTES.length).toBeGreaterThan(100);
  });

  it("refuses whoever has no token, readers who would write, and tokens of other workspaces", async () => {
    const api = await openTrackingApi();
    const wrong: string[] = [];
    for (const { method, path, access, base } of ROUTES) {
      if (typeof access === "string" || base !== "workspace") continue;
      const address = path.replace(/\{\w+\+?\}/g, "1");
      const callers: [caller: string, prefix: string, status: number][] = [
        ["nobody", "", 401],
        ["nobody", "/w/default", 401],
        ["run:some-run", "/w/other", 403],
        ...(access.action === "read" ? [] : [["reader", "", 403] as [string, string, number]]),
      ];
      for (const [as, prefix, expected] of callers) {
        const { status } = await api.ask(method, prefix + address, { as, ...(method === "GET" ? {} : { body: {} }) });
        if (status !== expected) wrong.push(`${as} ${method} ${prefix}${address}: ${status}`);
      }
    }

    expect(wrong).toEqual([]);
  });
});
