import { BUILT_IN_ROLES, type RoleSpec } from "../../contract/access.ts";
import { AppError } from "../../contract/errors.ts";
import { builtInRights, type Grants, rightsIn, rightsOf } from "../auth/rights.ts";
import type { Clock } from "../ports/clock.ts";
import type { MemberStore, RoleRecord, RoleStore } from "./ports.ts";

const TRIES = 20;

export interface RoleDeps {
  readonly members: MemberStore;
  readonly roles: RoleStore;
  readonly clock: Clock;
}

/** Makes or changes a role of a workspace's own. It can't hold what its maker does not have. */
export async function putRole(
  deps: RoleDeps,
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly spec: RoleSpec;
    readonly actor: string;
    readonly granter: Grants;
  },
): Promise<RoleRecord> {
  const { workspace, name, spec, actor } = input;
  mustBeOwn(name);
  const rights = [...new Set(spec.rights)];
  const own = rightsIn(input.granter, workspace);
  const beyond = [...rightsOf(rights)].find((right) => !own.has(right));
  if (beyond !== undefined)
    throw new AppError("Forbidden", `role \`${name}\` would hold \`${beyond}\`, which you do not`);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await deps.roles.get(workspace, name);
    const record: RoleRecord = {
      workspace,
      name,
      ...(spec.description === undefined ? {} : { description: spec.description }),
      rights,
      createdAt: before?.createdAt ?? new Date(deps.clock.now()).toISOString(),
      createdBy: before?.createdBy ?? actor,
      rev: (before?.rev ?? 0) + 1,
    };
    if (await deps.roles.put(record, before?.rev ?? 0, actor)) return record;
  }
  throw new AppError("Unavailable", `role \`${name}\` could not be changed: too many writers at once`);
}

/** Deletes a role that nobody has. */
export async function deleteRole(
  deps: RoleDeps,
  input: { readonly workspace: string; readonly name: string; readonly actor: string },
): Promise<void> {
  const { workspace, name } = input;
  const record = await getRole(deps, workspace, name);
  const holder = await holderOf(deps, workspace, name);
  if (holder !== undefined) {
    throw new AppError("InUse", `role \`${name}\` is \`${holder}\`'s`, { hint: "give its members another one first" });
  }
  if (!(await deps.roles.delete(record, input.actor))) {
    throw new AppError("Conflict", `role \`${name}\` was changed meanwhile`, { hint: "look at it and try again" });
  }
}

/** A role of the workspace's own. Throws NotFound, and InvalidArgument for a built-in one. */
async function getRole(deps: Pick<RoleDeps, "roles">, workspace: string, name: string): Promise<RoleRecord> {
  mustBeOwn(name);
  const record = await deps.roles.get(workspace, name);
  if (record !== undefined) return record;
  throw new AppError("NotFound", `workspace \`${workspace}\` has no role \`${name}\``, {
    hint: "`yard role list` shows those there are",
  });
}

function mustBeOwn(name: string): void {
  if (builtInRights(name) === undefined) return;
  throw new AppError("InvalidArgument", `role \`${name}\` is built in and stays as it is`, {
    hint: `take a name other than ${BUILT_IN_ROLES.join(", ")}`,
  });
}

async function holderOf(deps: RoleDeps, workspace: string, role: string): Promise<string | undefined> {
  let cursor: string | undefined;
  do {
    const page = await deps.members.list(workspace, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    const holder = page.items.find((member) => member.role === role);
    if (holder !== undefined) return holder.person;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return undefined;
}
