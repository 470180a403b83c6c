import { ALL_WORKSPACES } from "../../contract/access.ts";
import { AppError } from "../../contract/errors.ts";
import { builtInRights, type Grants, rightsIn } from "../auth/rights.ts";
import type { Clock } from "../ports/clock.ts";
import type { MemberRecord, MemberStore, RoleStore } from "./ports.ts";

const TRIES = 20;

export interface MemberDeps {
  readonly members: MemberStore;
  readonly roles: RoleStore;
  readonly clock: Clock;
}

/** Gives a person a role in a workspace (`*`: in every one). Nobody can give what they do not have themselves. */
export async function putMember(
  deps: MemberDeps,
  input: {
    readonly workspace: string;
    readonly person: string;
    readonly role: string;
    readonly actor: string;
    readonly granter: Grants;
  },
): Promise<MemberRecord> {
  const { workspace, person, role, actor } = input;
  await mustExist(deps, workspace, role);
  await mustCover(deps, input.granter, workspace, role);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await deps.members.get(workspace, person);
    if (before?.role === role) return before;
    if (before !== undefined) await mustCover(deps, input.granter, workspace, before.role);
    const record: MemberRecord = {
      workspace,
      person,
      role,
      createdAt: before?.createdAt ?? new Date(deps.clock.now()).toISOString(),
      createdBy: before?.createdBy ?? actor,
      rev: (before?.rev ?? 0) + 1,
    };
    if (await deps.members.put(record, before?.rev ?? 0, actor)) return record;
  }
  throw new AppError("Unavailable", `the role of \`${person}\` could not be changed: too many writers at once`);
}

export async function deleteMember(
  deps: MemberDeps,
  input: { readonly workspace: string; readonly person: string; readonly actor: string; readonly granter: Grants },
): Promise<void> {
  const { workspace, person } = input;
  const record = await deps.members.get(workspace, person);
  if (record === undefined) {
    throw new AppError("NotFound", `\`${person}\` has no role in ${placeOf(workspace)}`, {
      hint: "`yard member list` shows who has",
    });
  }
  await mustCover(deps, input.granter, workspace, record.role);
  if (!(await deps.members.delete(record, input.actor))) {
    throw new AppError("Conflict", `the role of \`${person}\` was changed meanwhile`, { hint: "look and try again" });
  }
}

async function mustExist(deps: MemberDeps, workspace: string, role: string): Promise<void> {
  if (builtInRights(role) !== undefined) return;
  if (workspace === ALL_WORKSPACES) {
    throw new AppError("InvalidArgument", `\`${role}\` is no role that every workspace has`, {
      hint: "owner, contributor or reader; a workspace's own roles are given in it",
    });
  }
  if ((await deps.roles.get(workspace, role)) !== undefined) return;
  throw new AppError("InvalidArgument", `workspace \`${workspace}\` has no role \`${role}\``, {
    hint: "owner, contributor, reader, or one that `yard role create` made",
  });
}

/** A role that a granter could not stand in for must not be given or taken by them. */
async function mustCover(deps: MemberDeps, granter: Grants, workspace: string, role: string): Promise<void> {
  const own = rightsIn(granter, workspace);
  const beyond = [...(await deps.roles.rightsOf(workspace, role))].filter((right) => !own.has(right));
  if (beyond.length === 0) return;
  throw new AppError(
    "Forbidden",
    `role \`${role}\` may do what you may not: ${beyond.slice(0, 5).join(", ")}${beyond.length > 5 ? ", …" : ""}`,
    { hint: "an owner can give and take it" },
  );
}

function placeOf(workspace: string): string {
  return workspace === ALL_WORKSPACES ? "the whole home" : `workspace \`${workspace}\``;
}
