import type { Table } from "../core/ports/table.ts";
import { workspaceKey } from "../store/facts/keys.ts";

/** Names of all workspaces of this home, but for those that are deleted. */
export async function listWorkspaceNames(table: Table): Promise<readonly string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.query({ pk: workspaceKey("-").pk, ...(cursor === undefined ? {} : { cursor }) });
    names.push(...page.items.filter((item) => item.deletesMs === undefined).map((item) => item.sk));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return names;
}
