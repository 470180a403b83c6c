import { ALL_WORKSPACES, type BuiltInRole } from "../../contract/access.ts";
import { ACTIONS, type Action, RESOURCES, type Resource } from "../../contract/route.ts";

export type Right = `${Resource}/${Action}`;
export type Rights = ReadonlySet<Right>;

/** Rights by workspace; those under `*` hold in every one. */
export type Grants = ReadonlyMap<string, Rights>;

/** What rights to change who may do what, and the home itself, are about: a contributor only sees them. */
const GOVERNANCE: readonly Resource[] = ["workspace", "member", "role", "home"];
const WORK: readonly Action[] = ["create", "update", "delete", "run", "score"];

/** `RESOURCE/ACTION` with `*` for any, spelled out. Reports come from runners and replicas; no person's role holds one, so nobody can fake them. */
export function rightsOf(patterns: readonly string[]): Rights {
  const rights = new Set<Right>();
  for (const pattern of patterns) {
    const [about, doing] = pattern.split("/");
    for (const resource of RESOURCES) {
      if (about !== "*" && about !== resource) continue;
      for (const action of ACTIONS) {
        if (action !== "report" && (doing === "*" || doing === action)) rights.add(`${resource}/${action}`);
      }
    }
  }
  return rights;
}

/** What the roles every workspace has may do, as patterns. */
export const BUILT_IN_RIGHTS: Readonly<Record<BuiltInRole, readonly string[]>> = {
  owner: ["*/*"],
  contributor: [
    "*/read",
    ...RESOURCES.filter((it) => !GOVERNANCE.includes(it)).flatMap((it) => WORK.map((action) => `${it}/${action}`)),
  ],
  reader: ["*/read"],
};

const BUILT_IN = new Map<string, Rights>(
  Object.entries(BUILT_IN_RIGHTS).map(([role, patterns]) => [role, rightsOf(patterns)]),
);

/** Rights of a built-in role; undefined for any other name. */
export function builtInRights(role: string): Rights | undefined {
  return BUILT_IN.get(role);
}

/** Grants of built-in roles by workspace. */
export function grantsOf(roles: Readonly<Record<string, BuiltInRole>>): Grants {
  return new Map(Object.entries(roles).map(([workspace, role]) => [workspace, builtInRights(role) ?? new Set()]));
}

/** True when grants hold a right in a workspace; above workspaces, without one, only what holds everywhere counts. */
export function holds(grants: Grants, right: Right, workspace: string | undefined): boolean {
  if (grants.get(ALL_WORKSPACES)?.has(right) === true) return true;
  return workspace !== undefined && (grants.get(workspace)?.has(right) ?? false);
}

/** What both allow: `scope` may name single workspaces where `ceiling` has all of them, and the other way round. */
export function within(scope: Grants, ceiling: Grants): Grants {
  const both = new Map<string, Rights>();
  for (const workspace of new Set([...scope.keys(), ...ceiling.keys()])) {
    const allowed = rightsIn(ceiling, workspace);
    const rights = new Set([...rightsIn(scope, workspace)].filter((right) => allowed.has(right)));
    if (rights.size > 0) both.set(workspace, rights);
  }
  return both;
}

/** All that grants allow in a workspace, or everywhere for `*`. */
export function rightsIn(grants: Grants, workspace: string): Rights {
  const everywhere = grants.get(ALL_WORKSPACES) ?? [];
  return new Set([...everywhere, ...(grants.get(workspace) ?? [])]);
}
