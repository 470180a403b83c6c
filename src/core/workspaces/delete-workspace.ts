import { AppError, isAppError } from "../../contract/errors.ts";
import { DEFAULT_WORKSPACE } from "../../contract/workspaces.ts";
import type { Clock } from "../ports/clock.ts";
import type { Objects } from "../ports/objects.ts";
import type { Vault } from "../ports/vault.ts";
import type { Precondition } from "../records/revision.ts";
import { getWorkspace } from "./get-workspace.ts";
import type { WorkspaceRecord, WorkspaceStore } from "./ports.ts";
import { freeLeftStorage, freeStorage, type StorageDeps } from "./storage.ts";

export interface PurgeDeps extends StorageDeps {
  readonly workspaces: WorkspaceStore;
  readonly objects: Objects;
  readonly vault: Vault;
}

type Named = { readonly name: string; readonly actor: string; readonly precondition?: Precondition };

/** Deletes a workspace that nobody has put anything into. Its activities stay. */
export async function deleteWorkspace(deps: PurgeDeps, input: Named): Promise<void> {
  const { name } = input;
  const record = await deletable(deps, input);
  const contents = await deps.workspaces.contents(name);
  if (contents.length > 0) {
    throw new AppError("InUse", `workspace \`${name}\` still has ${contents.join(", ")}`, {
      hint: "delete them first, or all with it: `yard workspace delete --all-resources`",
    });
  }
  if (!(await deps.workspaces.delete(record, input.actor))) throw changed(name);
  await purgeWorkspace(deps, name);
}

/** Deletes a workspace with all that is in it: nothing of it can be reached from now on, and after `graceMs` it is freed. */
export async function retireWorkspace(
  deps: Pick<PurgeDeps, "workspaces"> & { readonly clock: Clock },
  input: Named & { readonly graceMs: number },
): Promise<void> {
  const { name, actor, graceMs } = input;
  const record = await deletable(deps, input);
  const blockers = await deps.workspaces.blockers(name);
  if (blockers.length > 0) {
    throw new AppError("InUse", `workspace \`${name}\` still has ${blockers.join(", ")}`, {
      hint: "cancel or delete them first",
    });
  }
  const deletesMs = deps.clock.now() + graceMs;
  const words = {
    action: "delete",
    summary: `workspace \`${name}\` deleted with all that is in it; it can be restored until ${new Date(deletesMs).toISOString()}`,
  };
  const after: WorkspaceRecord = { ...record, deletesMs, rev: record.rev + 1 };
  if (!(await deps.workspaces.put(after, record.rev, actor, words))) throw changed(name);
}

/** Takes a deletion back that can be. */
export async function restoreWorkspace(deps: Pick<PurgeDeps, "workspaces">, input: Named): Promise<WorkspaceRecord> {
  const { name, actor } = input;
  const { deletesMs, ...record } = await getWorkspace(deps, name);
  if (deletesMs === undefined) throw new AppError("Conflict", `workspace \`${name}\` is not deleted`);
  const after = { ...record, rev: record.rev + 1 };
  const words = { action: "restore", summary: `workspace \`${name}\` restored` };
  if (await deps.workspaces.put(after, record.rev, actor, words)) return after;
  throw changed(name);
}

/** Frees workspaces whose time is over, and goes on with deletions that were cut short. Answers how many were freed. */
export async function freeWorkspaces(deps: PurgeDeps): Promise<number> {
  let freed = 0;
  let cursor: string | undefined;
  do {
    const page = await deps.workspaces.list({ limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    for (const record of page.items) {
      if (record.deletesMs === undefined || record.deletesMs > deps.clock.now()) continue;
      // What another process let in at the last moment comes to its end first.
      if ((await deps.workspaces.blockers(record.name)).length === 0) await deps.workspaces.delete(record, "system");
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  for (const name of await deps.workspaces.unpurged()) {
    await purgeWorkspace(deps, name);
    freed += 1;
  }
  await freeLeftStorage(deps);
  return freed;
}

/** Removes files, secrets and records of a workspace that is no more, and then the storage that was made for it. */
export async function purgeWorkspace(deps: PurgeDeps, name: string): Promise<void> {
  await purgeTrees(deps, name);
  for (;;) {
    const { objects } = await deps.objects.list({ prefix: `ws/${name}/` });
    if (objects.length === 0) break;
    await deps.objects.delete(objects.map((object) => object.key));
  }
  for (const kind of ["datastores", "computes", "secrets", "schedules", "notifications"]) {
    for (const secret of await deps.vault.list(`${kind}/${name}/`)) await deps.vault.delete(secret);
  }
  await deps.workspaces.purge(name);
  await freeStorage(deps, name).catch(unlessBusy);
}

/** What takes long goes on in a later round. */
function unlessBusy(error: unknown): void {
  if (!isAppError(error) || error.code !== "Unavailable") throw error;
}

/** While their objects are there, which name them. */
async function purgeTrees(deps: PurgeDeps, name: string): Promise<void> {
  const prefix = `ws/${name}/trees/`;
  let cursor: string | undefined;
  do {
    const page = await deps.objects.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    const ids = page.objects.map(({ key }) => key.slice(prefix.length).replace(/\.json$/, ""));
    await deps.workspaces.purgeTrees(name, ids);
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function deletable(deps: Pick<PurgeDeps, "workspaces">, { name, precondition }: Named): Promise<WorkspaceRecord> {
  const record = await getWorkspace(deps, name);
  precondition?.(record);
  if (name === DEFAULT_WORKSPACE) throw new AppError("InUse", `\`${name}\` is the home's own workspace`);
  if (record.deletesMs === undefined) return record;
  throw new AppError(
    "Conflict",
    `workspace \`${name}\` is deleted, and freed at ${new Date(record.deletesMs).toISOString()}`,
    {
      hint: "`yard workspace restore` takes that back",
    },
  );
}

function changed(name: string): AppError {
  return new AppError("Conflict", `workspace \`${name}\` was changed meanwhile`, { hint: "look at it and try again" });
}
