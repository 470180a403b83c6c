import { AppError } from "../../contract/errors.ts";
import type { WorkspaceRecord, WorkspaceStore } from "./ports.ts";

export async function getWorkspace(
  deps: { readonly workspaces: WorkspaceStore },
  name: string,
): Promise<WorkspaceRecord> {
  const record = await deps.workspaces.get(name);
  if (record !== undefined) return record;
  throw new AppError("NotFound", `there is no workspace \`${name}\``, {
    hint: "`yard workspace list` shows those there are; `yard workspace create` makes one",
  });
}
