import type { Method } from "../contract/route.ts";
import type * as contract from "../contract/routes/index.ts";
import type { LightRoute } from "./types.ts";

/**
 * The contract's routes without their schemas: a program that only calls them need not load and build these (20 ms at start).
 * Types come from the contract; a unit test compares each address with it.
 */
type Light<Group> = { readonly [K in keyof Group]: LightRoute<Group[K]> };

/** `METHOD path`, below `/api/v1/workspaces/{workspace}` unless it starts with `//`; ` <` bytes go in, ` >` bytes come out. */
function group<Group>(name: string, texts: { readonly [K in keyof Group]: string }): Light<Group> {
  const routes: Record<string, LightRoute<unknown>> = {};
  for (const [key, text] of Object.entries<string>(texts)) {
    const [method = "GET", path = "", bytes] = text.split(" ");
    routes[key] = {
      id: `${name}.${key}`,
      method: method as Method,
      path: path.startsWith("//") ? `/api/v1${path.slice(1)}` : `/api/v1/workspaces/{workspace}${path}`,
      ...(bytes === "<" ? { bytesIn: true } : {}),
      ...(bytes === ">" ? { bytesOut: true } : {}),
    };
  }
  return routes as Light<Group>;
}

export const home = group<typeof contract.home>("home", {
  health: "GET //health",
  version: "GET //version",
  openapi: "GET //openapi.json",
});

export const workspaces = group<typeof contract.workspaces>("workspaces", {
  list: "GET //workspaces",
  get: "GET ",
  put: "PUT ",
  delete: "DELETE ",
  contents: "GET /contents",
  restore: "POST /restore",
});

export const me = group<typeof contract.me>("me", { get: "GET //me" });

export const signIn = group<typeof contract.signIn>("signIn", { get: "GET //sign-in" });

export const iam = group<typeof contract.iam>("iam", {
  signIn: "POST //sign-in/iam",
  bootstrap: "POST //bootstrap",
  list: "GET //iam-links",
  put: "PUT //iam-links/{principal}",
  delete: "DELETE //iam-links/{principal}",
});

export const tokens = group<typeof contract.tokens>("tokens", {
  list: "GET //tokens",
  create: "POST //tokens",
  delete: "DELETE //tokens/{id}",
});

export const members = group<typeof contract.members>("members", {
  list: "GET /members",
  put: "PUT /members/{name}",
  delete: "DELETE /members/{name}",
});

export const homeMembers = group<typeof contract.homeMembers>("homeMembers", {
  list: "GET //members",
  put: "PUT //members/{name}",
  delete: "DELETE //members/{name}",
});

export const roles = group<typeof contract.roles>("roles", {
  list: "GET /roles",
  get: "GET /roles/{name}",
  put: "PUT /roles/{name}",
  delete: "DELETE /roles/{name}",
});

export const jobs = group<typeof contract.jobs>("jobs", {
  create: "POST /jobs",
  put: "PUT /jobs/{name}",
  validate: "POST /job-validations",
  list: "GET /jobs",
  get: "GET /jobs/{name}",
  update: "PATCH /jobs/{name}",
  cancel: "POST /jobs/{name}/cancel",
  steps: "GET /jobs/{name}/steps",
  reuse: "GET /jobs/{name}/reuse",
  log: "GET /jobs/{name}/log",
  logs: "GET /jobs/{name}/logs",
});

export const experiments = group<typeof contract.experiments>("experiments", {
  list: "GET /experiments",
  get: "GET /experiments/{name}",
  update: "PATCH /experiments/{name}",
});

export const gc = group<typeof contract.gc>("gc", {
  start: "POST /gc",
  list: "GET /gc",
  get: "GET /gc/{receipt}",
  items: "GET /gc/{receipt}/items",
  advance: "POST /gc/{receipt}/advance",
  restore: "POST /gc/{receipt}/restore",
});

export const imports = group<typeof contract.imports>("imports", {
  run: "PUT /imports/runs/{run}",
  loggedModel: "PUT /imports/logged-models/{model}",
});

export const computes = group<typeof contract.computes>("computes", {
  list: "GET /computes",
  get: "GET /computes/{name}",
  put: "PUT /computes/{name}",
  delete: "DELETE /computes/{name}",
});

export const datastores = group<typeof contract.datastores>("datastores", {
  list: "GET /datastores",
  get: "GET /datastores/{name}",
  put: "PUT /datastores/{name}",
  delete: "DELETE /datastores/{name}",
  browse: "GET /datastores/{name}/folder",
});

export const secrets = group<typeof contract.secrets>("secrets", {
  list: "GET /secrets",
  put: "PUT /secrets/{name}",
  delete: "DELETE /secrets/{name}",
});

export const schedules = group<typeof contract.schedules>("schedules", {
  list: "GET /schedules",
  get: "GET /schedules/{name}",
  put: "PUT /schedules/{name}",
  update: "PATCH /schedules/{name}",
  delete: "DELETE /schedules/{name}",
  trigger: "POST /schedules/{name}/trigger",
  next: "GET /schedules/{name}/next",
  firings: "GET /schedules/{name}/firings",
  webhook: "POST /schedules/{name}/webhook <",
});

export const notifications = group<typeof contract.notifications>("notifications", {
  list: "GET /notifications",
  put: "PUT /notifications/{name}",
  delete: "DELETE /notifications/{name}",
  test: "POST /notifications/{name}/test",
});

export const activities = group<typeof contract.activities>("activities", { list: "GET /activities" });

export const lineage = group<typeof contract.lineage>("lineage", { get: "GET /lineage" });

export const trees = group<typeof contract.trees>("trees", {
  missing: "POST /blobs/missing",
  putBlob: "PUT /blobs/{id} <",
  upload: "POST /blobs/{id}/upload",
  pack: "POST /blobs/pack <",
  put: "PUT /trees/{id}",
  get: "GET /trees/{id}",
  zip: "GET /trees/{id}/zip >",
});

export const files = group<typeof contract.files>("files", {
  list: "GET /files",
  uploads: "POST /uploads",
  read: "GET /content >",
  write: "PUT /content <",
});

export const runner = group<typeof contract.runner>("runner", {
  start: "POST //attempts/start",
  assignment: "GET /runs/{run}/assignment",
  report: "POST /runs/{run}/reports",
  heartbeat: "POST /runs/{run}/heartbeat",
  log: "PUT /runs/{run}/log <",
  credentials: "POST /runs/{run}/credentials",
});

/** The contract makes the four kinds of assets from one pattern; so does this. */
function assetGroup<Group>(name: string): Light<Group> {
  const texts = {
    list: `GET /${name}`,
    versions: `GET /${name}/{name}/versions`,
    create: `POST /${name}/{name}/versions`,
    put: `PUT /${name}/{name}/versions/{version}`,
    get: `GET /${name}/{name}/versions/{version}`,
    update: `PATCH /${name}/{name}/versions/{version}`,
    delete: `DELETE /${name}/{name}/versions/{version}`,
    putLabel: `PUT /${name}/{name}/labels/{label}`,
    deleteLabel: `DELETE /${name}/{name}/labels/{label}`,
  } satisfies Record<keyof typeof contract.data, string>;
  return group<Group>(name, texts as unknown as { readonly [K in keyof Group]: string });
}

export const data = assetGroup<typeof contract.data>("data");
export const environments = assetGroup<typeof contract.environments>("environments");
export const components = assetGroup<typeof contract.components>("components");
export const models = assetGroup<typeof contract.models>("models");
export const modelGroups = group<typeof contract.modelGroups>("modelGroups", { get: "GET /model-groups/{group}" });

export const onlineEndpoints = group<typeof contract.onlineEndpoints>("onlineEndpoints", {
  list: "GET /online-endpoints",
  get: "GET /online-endpoints/{endpoint}",
  put: "PUT /online-endpoints/{endpoint}",
  update: "PATCH /online-endpoints/{endpoint}",
  delete: "DELETE /online-endpoints/{endpoint}",
  keys: "GET /online-endpoints/{endpoint}/keys",
  regenerateKey: "POST /online-endpoints/{endpoint}/keys/regenerate",
  token: "POST /online-endpoints/{endpoint}/token",
});

export const onlineDeployments = group<typeof contract.onlineDeployments>("onlineDeployments", {
  list: "GET /online-endpoints/{endpoint}/deployments",
  get: "GET /online-endpoints/{endpoint}/deployments/{deployment}",
  put: "PUT /online-endpoints/{endpoint}/deployments/{deployment}",
  delete: "DELETE /online-endpoints/{endpoint}/deployments/{deployment}",
  logs: "GET /online-endpoints/{endpoint}/deployments/{deployment}/logs",
  assignment: "GET /online-endpoints/{endpoint}/deployments/{deployment}/revisions/{revision}/assignment",
});

export const batchEndpoints = group<typeof contract.batchEndpoints>("batchEndpoints", {
  list: "GET /batch-endpoints",
  get: "GET /batch-endpoints/{endpoint}",
  put: "PUT /batch-endpoints/{endpoint}",
  update: "PATCH /batch-endpoints/{endpoint}",
  delete: "DELETE /batch-endpoints/{endpoint}",
  invoke: "POST /batch-endpoints/{endpoint}/invoke",
});

export const batchDeployments = group<typeof contract.batchDeployments>("batchDeployments", {
  list: "GET /batch-endpoints/{endpoint}/deployments",
  get: "GET /batch-endpoints/{endpoint}/deployments/{deployment}",
  put: "PUT /batch-endpoints/{endpoint}/deployments/{deployment}",
  delete: "DELETE /batch-endpoints/{endpoint}/deployments/{deployment}",
});
