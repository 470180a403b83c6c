import { DEFAULT_DATASTORE } from "../../contract/datastores.ts";
import { AppError } from "../../contract/errors.ts";
import type { Vault } from "../ports/vault.ts";
import type { Precondition } from "../records/revision.ts";
import { getDatastore } from "./get-datastore.ts";
import { type DatastoreStore, datastoreSecret } from "./ports.ts";

/** Forgets a datastore and its secret; its files stay. */
export async function deleteDatastore(
  deps: { readonly datastores: DatastoreStore; readonly vault: Vault },
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly actor: string;
    readonly precondition?: Precondition;
  },
): Promise<void> {
  const { workspace, name } = input;
  const record = await getDatastore(deps, input);
  input.precondition?.(record);
  if (name === DEFAULT_DATASTORE) {
    throw new AppError("InUse", `\`${name}\` is the default datastore of workspace \`${workspace}\``);
  }
  if (!(await deps.datastores.delete(record, input.actor))) {
    throw new AppError("Conflict", `datastore \`${name}\` was changed meanwhile`, { hint: "look at it and try again" });
  }
  await deps.vault.delete(datastoreSecret(workspace, name));
}
