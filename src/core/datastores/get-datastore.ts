import { AppError } from "../../contract/errors.ts";
import type { DatastoreRecord, DatastoreStore } from "./ports.ts";

export async function getDatastore(
  deps: { readonly datastores: DatastoreStore },
  input: { readonly workspace: string; readonly name: string },
): Promise<DatastoreRecord> {
  const record = await deps.datastores.get(input.workspace, input.name);
  if (record !== undefined) return record;
  throw new AppError("NotFound", `there is no datastore \`${input.name}\` in workspace \`${input.workspace}\``, {
    hint: "`yard datastore list` shows those there are",
  });
}
