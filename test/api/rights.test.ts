import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MlflowDeps, makeMlflowRoutes } from "../../src/api/mlflow/routes.ts";
import { routes } from "../../src/contract/index.ts";
import type { Access } from "../../src/contract/route.ts";
import { CUSTOM_RIGHTS, openRightsHome, type RightsHome, RUN } from "../helpers/rights-frame.ts";

/** What of a route is walked, whichever surface it is of. */
interface Walked {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly access: Access;
}

const CONTRACT: readonly Walked[] = Object.values(routes).flatMap((room) => Object.values(room) as Walked[]);
/** Only what they are is looked at; none of these handlers is called. */
const MLFLOW: readonly Walked[] = makeMlflowRoutes({} as MlflowDeps).map((route) => ({
  ...route,
  path: route.base === "workspace" ? `/w/{workspace}${route.path}` : route.path,
}));
const guarded = (all: readonly Walked[]) => all.filter(({ access }) => access !== "open");
/** MLflow's surface is the same code in both homes: it is walked in one. */
const WALKED = { laptop: guarded(CONTRACT), aws: guarded([...CONTRACT, ...MLFLOW]) };

/** Values that are valid names of nothing there is, but for the run that some of the callers are. */
const SAMPLE: Readonly<Record<string, string>> = {
  workspace: "default",
  run: RUN,
  id: "0".repeat(64),
  version: "7",
  revision: "1",
  label: "nobody",
};

/** Bodies and queries that get past parsing, where what comes after it must refuse. */
const VALID: Readonly<Record<string, { readonly query?: string; readonly body?: object }>> = {
  "runner.report": { body: { attempt: "own.1", status: "Running", at: "2026-01-01T00:00:00Z" } },
  "iam.signIn": { body: { name: "x" } },
  "iam.bootstrap": { body: { name: "x" } },
  "runner.heartbeat": { body: { attempt: "own.1" } },
  "runner.log": { query: "?name=user.log&offset=0" },
  ...Object.fromEntries(
    Object.entries({
      update: { run_name: "x" },
      delete: {},
      restore: {},
      "log-metric": { key: "k", value: 1, timestamp: 1 },
      "log-parameter": { key: "k", value: "v" },
      "set-tag": { key: "k", value: "v" },
      "delete-tag": { key: "k" },
      "log-batch": { tags: [{ key: "k", value: "v" }] },
      "log-model": {
        model_json: JSON.stringify({ artifact_path: "m", flavors: {}, utc_time_created: "2026-01-01", run_id: RUN }),
      },
      "log-inputs": { models: [{ model_id: "m-1" }] },
      outputs: { models: [{ model_id: "m-1" }] },
    }).flatMap(([call, body]) =>
      ["/api", "/ajax-api"].map((prefix) => [
        `mlflow${prefix}:POST /2.0/mlflow/runs/${call}`,
        { body: { run_id: RUN, ...body } },
      ]),
    ),
  ),
};

/** Whom the gateway has checked. */
const IAM_CALLER = { arn: "arn:aws:sts::000000000000:assumed-role/Readers/anybody", isOfHome: true };

type Expected = "401" | "403" | "passes" | "passes or is narrowed";

const RUN_MAY: Readonly<Record<string, readonly string[]>> = {
  self: ["read"],
  run: ["read", "report"],
  model: ["read", "create", "update"],
  registry: ["read", "create", "update"],
  file: ["read", "create"],
  tracking: ["read", "create", "update", "delete"],
  ...Object.fromEntries(
    ["workspace", "job", "experiment", "compute", "datastore", "data", "environment", "component"].map((it) => [
      it,
      ["read"],
    ]),
  ),
};
const DEPLOYMENT_MAY: Readonly<Record<string, readonly string[]>> = {
  self: ["read"],
  deployment: ["report"],
  file: ["read"],
  model: ["read"],
};
const STRANGERS = [
  "nobody",
  "forged",
  "expiredKeyToken",
  "expiredToken",
  "revokedToken",
  "endedRun",
  "runThatNeverWas",
  "forgedIamCaller",
];
const GOVERNANCE = ["workspace", "home", "member", "role"];

/** What each caller is answered, told again here: a slip in the rule is then a failing case. */
function policy(caller: string, { access, path, id }: Walked): Expected {
  if (access === "open") throw new Error(`there is no policy for \`${id}\`, which is open`);
  if (access === "iam") return caller === "iamCaller" ? "passes" : STRANGERS.includes(caller) ? "401" : "403";
  // A signature counts where the gateway has checked it, and nowhere else.
  if (STRANGERS.includes(caller) || caller === "iamCaller") return "401";
  const { resource, action } = access;
  const allow = (may: boolean | undefined): Expected => (may === true ? "passes" : "403");
  const narrowed = (may: boolean | undefined): Expected => (may === true ? "passes or is narrowed" : "403");
  const isInside = path.includes("{workspace}");
  const list = RUN_MAY[resource];
  switch (caller) {
    case "run":
    case "anotherRun":
      if (resource === "run" && action === "report") return allow(caller === "run");
      if (writesARun(id)) return allow(caller === "run");
      return resource === "self" ? allow(action === "read") : narrowed(isInside && list?.includes(action));
    case "runElsewhere":
      return allow(resource === "self" && action === "read");
    case "deployment":
      return resource === "self"
        ? allow(action === "read")
        : narrowed(isInside && DEPLOYMENT_MAY[resource]?.includes(action));
    case "deploymentElsewhere":
      return allow(resource === "self" && action === "read");
  }
  // About themselves people may ask and do everything.
  if (resource === "self") return "passes";
  if (caller === "formerMember") return "403";
  // What concerns the whole home is its owners'; the list of workspaces is for everybody with a role somewhere.
  if (!isInside) return allow(["owner", "keyHolder"].includes(caller) ? action !== "report" : id === "workspaces.list");
  switch (caller) {
    case "otherOwner":
      return "403";
    case "reader":
    case "readerByPassword":
    case "ownerAsReader":
      return allow(action === "read");
    case "custom":
      return allow(
        action !== "report" &&
          CUSTOM_RIGHTS.some((right) => [`${resource}/${action}`, `${resource}/*`, `*/${action}`].includes(right)),
      );
    case "contributor":
      return allow(GOVERNANCE.includes(resource) ? action === "read" : !["report", "secrets"].includes(action));
    case "workspaceOwner":
    case "owner":
    case "keyHolder":
      return allow(action !== "report");
  }
  throw new Error(`the policy does not know \`${caller}\``);
}

/** Calls whose body names the run `own`. */
function writesARun(id: string): boolean {
  return id.startsWith("mlflow") && VALID[id] !== undefined;
}

const fits = (expected: Expected, status: number): boolean => {
  if (status === 500) return false;
  const got = status === 401 ? "401" : status === 403 ? "403" : "passes";
  return expected === "passes or is narrowed" ? got !== "401" : got === expected;
};

describe.each(["laptop", "aws"] as const)("rights in the %s home", (kind) => {
  let home: RightsHome;
  let cases = 0;

  beforeAll(async () => {
    home = await openRightsHome(kind);
  });
  afterAll(async () => {
    console.log(`${cases} cases: ${WALKED[kind].length} routes x ${callers().length} callers in the ${kind} home`);
    await home.close();
  });

  const callers = () => ["nobody", ...Object.keys(home.credentials)];

  async function ask(route: Walked, caller: string): Promise<number> {
    const { query = "", body = {} } = VALID[route.id] ?? {};
    const path = route.path.replace(/\{(\w+)\+?\}/g, (_, name: string) => SAMPLE[name] ?? "nothing-here") + query;
    const authorization = home.credentials[caller];
    const request = new Request(`http://127.0.0.1:1${path}`, {
      method: route.method,
      headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) },
      ...(route.method === "GET" ? {} : { body: JSON.stringify(body) }),
    });
    const { method, url, headers, signal, body: stream } = request;
    const asked = caller === "iamCaller" ? { method, url, headers, signal, body: stream, iam: IAM_CALLER } : request;
    const response = await home.handle(asked);
    await response.body?.cancel();
    cases += 1;
    return response.status;
  }

  test("there are routes to walk, each with its rule", () => {
    expect([CONTRACT.length > 80, MLFLOW.length > 100]).toEqual([true, true]);
    // A runner in a container starts with a code of its own, which it trades for its run's token.
    // A webhook's request is signed.
    const open = ["home.health", "home.openapi", "home.version", "signIn.get", "runner.start", "schedules.webhook"];
    expect(CONTRACT.filter(({ access, id }) => access === "open" && !open.includes(id))).toEqual([]);
    expect(Object.keys(VALID).filter((known) => !WALKED.aws.some(({ id }) => id === known))).toEqual([]);
  });

  test("every caller is answered by every route as the policy says", { timeout: 60_000 }, async () => {
    const wrong: string[] = [];
    for (const route of WALKED[kind]) {
      for (const caller of callers()) {
        const expected = policy(caller, route);
        const status = await ask(route, caller);
        if (!fits(expected, status))
          wrong.push(`${caller} ${route.method} ${route.path}: ${status}, expected ${expected}`);
      }
    }

    expect(wrong).toEqual([]);
  });

  test("the list of workspaces shows those the caller may read", async () => {
    const names = async (caller: string) => {
      const headers = { authorization: home.credentials[caller] ?? "" };
      const response = await home.handle(new Request("http://127.0.0.1:1/api/v1/workspaces", { headers }));
      return ((await response.json()) as { items: { name: string }[] }).items.map(({ name }) => name);
    };

    expect(await names("otherOwner")).toEqual(["other"]);
    expect(await names("reader")).toEqual(["default"]);
    expect(await names("owner")).toEqual(["default", "other"]);
  });

  test("nobody learns which addresses exist", async () => {
    for (const path of ["/nothing", "/api/v1/nothing", "/w/default/nothing", "/w/default/api/2.0/mlflow/runs/search"]) {
      const response = await home.handle(new Request(`http://127.0.0.1:1${path}`, { method: "POST", body: "{}" }));
      expect([path, response.status]).toEqual([path, 401]);
    }
  });
});
