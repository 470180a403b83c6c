import type { Access, Action, Resource } from "../../contract/route.ts";
import type { Principal } from "./principal.ts";
import { holds } from "./rights.ts";

/** What a run's token may do at most; use cases narrow writes to the run itself and its descendants. */
const RUN: Readonly<Partial<Record<Resource, readonly Action[]>>> = {
  workspace: ["read"],
  job: ["read"],
  run: ["read", "report"],
  experiment: ["read"],
  compute: ["read"],
  datastore: ["read"],
  data: ["read"],
  environment: ["read"],
  component: ["read"],
  model: ["read", "create", "update"],
  file: ["read", "create"],
  tracking: ["read", "create", "update", "delete"],
  registry: ["read", "create", "update"],
};

const DEPLOYMENT: Readonly<Partial<Record<Resource, readonly Action[]>>> = {
  deployment: ["report"],
  file: ["read"],
  model: ["read"],
};

/** Deny by default: true only where a rule says so. `workspace` is undefined for routes above workspaces. */
export function allows(
  principal: Principal,
  access: Exclude<Access, "open" | "iam">,
  workspace: string | undefined,
): boolean {
  const { resource, action } = access;
  if (resource === "self") return principal.kind === "user" || action === "read";
  switch (principal.kind) {
    case "user":
      // The list of workspaces is for everybody with a role in one; it shows those they may read.
      if (workspace === undefined && resource === "workspace" && action === "read") return principal.grants.size > 0;
      return holds(principal.grants, `${resource}/${action}`, workspace);
    case "run":
      return principal.workspace === workspace && (RUN[resource]?.includes(action) ?? false);
    case "deployment":
      return principal.workspace === workspace && (DEPLOYMENT[resource]?.includes(action) ?? false);
  }
}
