import { AppError } from "../../contract/errors.ts";
import { DEFAULT_WORKSPACE } from "../../contract/workspaces.ts";
import type { Objects } from "../ports/objects.ts";
import type { Vault } from "../ports/vault.ts";
import type { Precondition } from "../records/revision.ts";
import { getWorkspace } from "./get-workspace.ts";
import type { WorkspaceStore } from "./ports.ts";

export interface PurgeDeps {
  readonly workspaces: WorkspaceStore;
  readonly objects: Objects;
  readonly vault: Vault;
}

/** Deletes a workspace that nobody has put anything into. Its activities stay. */
export async function deleteWorkspace(
  deps: PurgeDeps,
  input: { readonly name: string; readonly actor: string; readonly precondition?: Precondition },
): Promise<void> {
  const { name } = input;
  const record = await getWorkspace(deps, name);
  input.precondition?.(record);
  if (name === DEFAULT_WORKSPACE) throw new AppError("InUse", `\`${name}\` is the home's own workspace`);
  const contents = await deps.workspaces.contents(name);
  if (contents.length > 0) {
    throw new AppError("InUse", `workspace \`${name}\` still has ${contents.join(", ")}`, {
      hint: "delete them first",
    });
  }
  if (!(await deps.workspaces.delete(record, input.actor))) {
    throw new AppError("Conflict", `workspace \`${name}\` was changed meanwhile`, { hint: "look at it and try again" });
  }
  await purgeWorkspace(deps, name);
}

/** Removes files, secrets and records of a workspace that is no more. */
export async function purgeWorkspace(deps: PurgeDeps, name: string): Promise<void> {
  for (;;) {
    const { objects } = await deps.objects.list({ prefix: `ws/${name}/` });
    if (objects.length === 0) break;
    await deps.objects.delete(objects.map((object) => object.key));
  }
  for (const kind of ["datastores", "computes"]) {
    for (const secret of await deps.vault.list(`${kind}/${name}/`)) await deps.vault.delete(secret);
  }
  await deps.workspaces.purge(name);
}
