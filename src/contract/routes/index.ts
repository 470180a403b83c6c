/** The whole route table of /api/v1, by room. */
export { homeMembers, iam, me, members, roles, signIn, tokens } from "./access.ts";
export { components, data, environments, modelGroups, models } from "./assets.ts";
export { batchDeployments, batchEndpoints } from "./batch-endpoints.ts";
export { onlineDeployments, onlineEndpoints } from "./endpoints.ts";
export { files, trees } from "./files.ts";
export { gc } from "./gc.ts";
export { home } from "./home.ts";
export { imports } from "./imports.ts";
export { experiments, jobs } from "./jobs.ts";
export { lineage } from "./lineage.ts";
export { notifications } from "./notifications.ts";
export { activities, computes, datastores, secrets, workspaces } from "./places.ts";
export { runner } from "./runner.ts";
export { schedules } from "./schedules.ts";
