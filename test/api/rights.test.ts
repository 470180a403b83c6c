import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openHome } from "../../src/adapters/local/home.ts";
import { toResponse } from "../../src/api/reply.ts";
import { type AnyRoute, routes } from "../../src/contract/index.ts";
import { signDeploymentToken, signRunToken, signUserToken } from "../../src/core/auth/tokens.ts";
import { type Composition, compose } from "../../src/local/compose.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { makeTempDir } from "../helpers/ports.ts";

const ALL: readonly AnyRoute[] = Object.values(routes).flatMap((room) => Object.values(room) as AnyRoute[]);

/** Values that are valid names of nothing there is. */
const SAMPLE: Readonly<Record<string, string>> = {
  workspace: "default",
  id: "0".repeat(64),
  version: "7",
  revision: "1",
  label: "nobody",
};

type Caller = "nobody" | "stranger" | "reader" | "contributor" | "owner" | "run" | "runElsewhere" | "deployment";

/** What each caller may do at most, told again here: a slip in the rule is then a failing case. */
function mayPass(caller: Caller, { access, path }: AnyRoute): boolean {
  if (access === "open") return true;
  const { resource, action } = access;
  // The token of a run that never was is no token at all.
  if (caller === "nobody" || caller === "runElsewhere") return false;
  // About themselves people may ask and do everything, programs only ask.
  if (resource === "self") return action === "read" || isPerson(caller);
  // What concerns the whole home is its owners'; the list of workspaces is for everybody, and tested below.
  if (!path.includes("{workspace}") && resource !== "workspace") return caller === "owner";
  switch (caller) {
    case "stranger":
      return false;
    case "reader":
      return action === "read";
    case "contributor":
      if (["workspace", "home", "member", "role"].includes(resource)) return action === "read";
      return !["report", "secrets"].includes(action);
    case "owner":
      return action !== "report";
    case "run":
      if (resource === "run") return action === "read" || action === "report";
      if (resource === "model" || resource === "registry") return ["read", "create", "update"].includes(action);
      if (resource === "file") return action === "read" || action === "create";
      if (resource === "tracking") return ["read", "create", "update", "delete"].includes(action);
      return (
        action === "read" &&
        !["endpoint", "deployment", "activity", "lineage", "home", "member", "role"].includes(resource)
      );
    case "deployment":
      return (
        (resource === "deployment" && action === "report") ||
        (["file", "model"].includes(resource) && action === "read")
      );
  }
}

function isPerson(caller: Caller): boolean {
  return ["stranger", "reader", "contributor", "owner"].includes(caller);
}

describe("rights", () => {
  const temp = makeTempDir();
  let app: Composition;
  let home: Awaited<ReturnType<typeof openHome>>;
  let tokens: Record<Exclude<Caller, "nobody">, string>;

  beforeAll(async () => {
    const dataDir = join(temp.path, "home");
    home = await openHome({ dir: dataDir });
    app = compose({
      ...home,
      settings: { port: 0, dataDir, programs: { runner: "", serving: "" }, runnerBundle: undefined, urlMap: undefined },
      activity: makeActivityWrite(home),
      log: { info: () => undefined, fault: () => undefined },
      address: () => "http://127.0.0.1:1",
    });
    await app.start();
    const user = (role: "owner" | "contributor" | "reader", where: string) =>
      signUserToken(home.signer, { name: role, roles: { [where]: role }, id: role });
    tokens = {
      stranger: await user("owner", "other"),
      reader: await user("reader", "default"),
      contributor: await user("contributor", "default"),
      owner: await user("owner", "*"),
      run: await signRunToken(home.signer, "default", "some-run"),
      runElsewhere: await signRunToken(home.signer, "other", "some-run"),
      deployment: await signDeploymentToken(home.signer, "default", "some-endpoint", "blue"),
    };
  });
  afterAll(async () => {
    await app.close();
    await home.close();
    temp.remove();
  });

  async function ask(route: AnyRoute, caller: Caller, workspace = "default"): Promise<number> {
    const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
      name === "workspace" ? workspace : (SAMPLE[name] ?? "nothing-here"),
    );
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (caller !== "nobody") headers.authorization = `Bearer ${tokens[caller]}`;
    const request = new Request(`http://127.0.0.1:1${path}`, {
      method: route.method,
      headers,
      ...(route.method === "GET" ? {} : { body: "{}" }),
    });
    const response = toResponse(await app.handle(request));
    await response.body?.cancel();
    return response.status;
  }

  test("there are routes to walk, each with its rule", () => {
    expect(ALL.length).toBeGreaterThan(80);
    expect(
      ALL.filter(({ access }) => access === "open")
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["home.health", "home.openapi", "home.version", "signIn.get"]);
  });

  test.each(["nobody", "stranger", "reader", "contributor", "owner", "runElsewhere", "deployment"] as const)(
    "%s gets through exactly where the rules say",
    async (caller) => {
      const wrong: string[] = [];
      for (const route of ALL) {
        // Deleting the workspace the others stand in would answer 404 from then on.
        if (route.access === "open" || (route.id === "workspaces.delete" && caller === "owner")) continue;
        const status = await ask(route, caller);
        // The list is for everybody with a role somewhere; what it shows is tested below.
        if (route.id === "workspaces.list" && caller === "stranger") continue;
        const refused = status === 401 || status === 403;
        if (refused === mayPass(caller, route)) wrong.push(`${caller} ${route.method} ${route.path}: ${status}`);
        if (caller === "nobody" && status !== 401) wrong.push(`${route.path}: ${status} instead of 401`);
      }
      // A deployment's token is narrowed further by the use cases: to its own files.
      expect(wrong.filter((line) => caller !== "deployment" || !line.endsWith(": 403"))).toEqual([]);
    },
  );

  test("a run's token is refused wherever the rules do not name it", async () => {
    const passed: string[] = [];
    for (const route of ALL) {
      if (route.access === "open" || mayPass("run", route)) continue;
      const status = await ask(route, "run");
      if (status !== 403 && status !== 401) passed.push(`${route.method} ${route.path}: ${status}`);
    }
    expect(passed).toEqual([]);
  });

  test("the list of workspaces shows those the caller may read", async () => {
    const names = async (caller: Exclude<Caller, "nobody">) => {
      const headers = { authorization: `Bearer ${tokens[caller]}` };
      const response = toResponse(await app.handle(new Request("http://127.0.0.1:1/api/v1/workspaces", { headers })));
      const page = (await response.json()) as { items: { name: string }[] };
      return page.items.map(({ name }) => name);
    };

    expect(await names("stranger")).toEqual([]);
    expect(await names("reader")).toEqual(["default"]);
    expect(await names("owner")).toEqual(["default"]);
  });

  test("nobody learns which addresses exist", async () => {
    for (const path of ["/nothing", "/api/v1/nothing", "/w/default/nothing", "/w/default/api/2.0/mlflow/runs/search"]) {
      const response = toResponse(
        await app.handle(new Request(`http://127.0.0.1:1${path}`, { method: "POST", body: "{}" })),
      );
      expect([path, response.status]).toEqual([path, 401]);
    }
  });
});
