import { AppError } from "../../contract/errors.ts";
import type { StoredTree, TreeFacts, TreeStore } from "./ports.ts";

/** A tree's facts; NotFound for one that was never made here. */
export async function treeFacts(
  deps: { readonly trees: TreeStore },
  input: { readonly workspace: string; readonly id: string },
): Promise<TreeFacts> {
  return (await deps.trees.facts(input.workspace, input.id)) ?? notFound(input);
}

/** A tree with its entries. */
export async function readTree(
  deps: { readonly trees: TreeStore },
  input: { readonly workspace: string; readonly id: string },
): Promise<StoredTree> {
  return (await deps.trees.read(input.workspace, input.id)) ?? notFound(input);
}

function notFound({ workspace, id }: { readonly workspace: string; readonly id: string }): never {
  throw new AppError("NotFound", `there is no tree \`${id}\` in workspace \`${workspace}\``);
}
