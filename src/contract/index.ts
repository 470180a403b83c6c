/** The one contract: what travels between server, client, CLI, studio, runner and serving. Browser-safe. */
export * from "./activities.ts";
export * from "./assets.ts";
export * from "./common.ts";
export * from "./computes.ts";
export * from "./datastores.ts";
export * from "./endpoints.ts";
export * from "./environments.ts";
export * from "./errors.ts";
export * from "./files.ts";
export * from "./jobs.ts";
export * from "./lineage.ts";
export * from "./problem.ts";
export * from "./route.ts";
export * as routes from "./routes/index.ts";
export * from "./runner.ts";
export * from "./trees.ts";
export * from "./version.ts";
export * from "./workspaces.ts";
