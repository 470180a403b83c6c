import type { Access, Action, Resource } from "../../contract/route.ts";
import type { Principal, Role } from "./principal.ts";

const READER: readonly Action[] = ["read"];
const CONTRIBUTOR: readonly Action[] = ["read", "create", "update", "delete", "run", "score"];

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
export function allows(principal: Principal, access: Exclude<Access, "open">, workspace: string | undefined): boolean {
  switch (principal.kind) {
    case "user":
      // The list of workspaces is for everybody with a role in one; it shows those they may read.
      if (workspace === undefined && access.resource === "workspace" && access.action === "read") {
        return Object.keys(principal.roles).length > 0;
      }
      return userAllows(roleIn(principal.roles, workspace), access);
    case "run":
      return principal.workspace === workspace && (RUN[access.resource]?.includes(access.action) ?? false);
    case "deployment":
      return principal.workspace === workspace && (DEPLOYMENT[access.resource]?.includes(access.action) ?? false);
  }
}

function roleIn(roles: Readonly<Record<string, Role>>, workspace: string | undefined): Role | undefined {
  return (workspace === undefined ? undefined : roles[workspace]) ?? roles["*"];
}

function userAllows(role: Role | undefined, access: { resource: Resource; action: Action }): boolean {
  if (role === undefined) return false;
  // Reports come from runners and replicas; no person's token may fake one.
  if (access.action === "report") return false;
  if (role === "owner") return true;
  if (role === "reader") return READER.includes(access.action);
  if (access.resource === "workspace" || access.resource === "home") return access.action === "read";
  return CONTRIBUTOR.includes(access.action);
}
