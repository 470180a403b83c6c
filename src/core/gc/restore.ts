import { batchesOf, entriesOf, type GcDeps, noted } from "./deps.ts";
import type { Entry, Receipt } from "./ports.ts";

/** Brings back what is in the trash, until `deadline`: experiments before what is in them. What can't come back stays in the trash, with the reason. */
export async function restore(deps: GcDeps, receipt: Receipt, deadline: number): Promise<Receipt> {
  const { workspace, id } = receipt;
  await deps.sweeps.end(workspace, id);
  for (const first of [true, false]) {
    for await (const batch of batchesOf(left(deps, receipt, first), 1)) {
      for (const entry of batch) await restoreOne(deps, receipt, entry);
      if (deps.clock.now() > deadline) return noted(deps, receipt);
    }
  }
  const now = deps.clock.now();
  for await (const { state } of entriesOf(deps, receipt)) {
    if (state === "trash") return noted(deps, receipt, { state: "trash" });
  }
  return noted(deps, receipt, { state: "restored", endedMs: now });
}

async function restoreOne(deps: GcDeps, { workspace, id }: Receipt, entry: Entry): Promise<void> {
  if (entry.kind === "tree" || entry.kind === "blob") {
    await deps.receipts.putEntry(workspace, id, { ...entry, state: "restored" });
    return;
  }
  const reason = await deps.trash.giveBack(workspace, id, { ...entry, state: "restored" });
  if (reason !== undefined) await deps.receipts.putEntry(workspace, id, { ...entry, reason });
}

async function* left(deps: GcDeps, receipt: Receipt, first: boolean): AsyncGenerator<Entry> {
  for await (const entry of entriesOf(deps, receipt)) {
    if (entry.state === "trash" && (entry.kind === "experiment") === first) yield entry;
  }
}
