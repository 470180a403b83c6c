import { mapLimited } from "../files/streams.ts";
import { blobKey } from "../trees/keys.ts";
import { batchesOf, deleteBelow, entriesOf, type GcDeps, measure, noted } from "./deps.ts";
import { type Holds, readHolds } from "./holds.ts";
import { stillDoomed } from "./mark.ts";
import type { Doomed, Entry, Receipt } from "./ports.ts";

const AT_ONCE = 16;
const NAMES_AT_ONCE = 200;

/** Removes what has been in the trash for its time, until `deadline`; called again, it goes on. What somebody needs after all comes back. */
export async function free(deps: GcDeps, receipt: Receipt, deadline: number): Promise<Receipt> {
  const now = deps.clock.now();
  if (receipt.state === "trash") {
    if (now < receipt.freesAtMs) return receipt;
    const started = await noted(deps, receipt, { state: "freeing" });
    return started.state === "freeing" ? free(deps, started, deadline) : started;
  }
  const holds = await readHolds(deps, receipt.workspace);
  const experiments = new Set<string>();
  for (const first of [true, false]) {
    for await (const batch of batchesOf(left(deps, receipt, first), AT_ONCE)) {
      await mapLimited(batch, AT_ONCE, (entry) => freeOne(deps, receipt, holds, entry));
      if (deps.clock.now() > deadline) return noted(deps, receipt);
    }
  }
  for await (const { kind, id, experimentId } of entriesOf(deps, receipt)) {
    if (kind === "experiment") experiments.add(id);
    if (experimentId !== undefined) experiments.add(experimentId);
  }
  await deps.dropIndex(receipt.workspace, [...experiments]);
  if (!(await freeDoomed(deps, receipt, deadline))) return noted(deps, receipt);
  return noted(deps, receipt, { state: "freed", endedMs: deps.clock.now() });
}

/** What is in the trash still: first what experiments hold, then these. */
async function* left(deps: GcDeps, receipt: Receipt, first: boolean): AsyncGenerator<Entry> {
  const kinds = first ? ["run", "logged_model"] : ["experiment"];
  for await (const entry of entriesOf(deps, receipt))
    if (entry.state === "trash" && kinds.includes(entry.kind)) yield entry;
}

async function freeOne(deps: GcDeps, receipt: Receipt, holds: Holds, entry: Entry): Promise<void> {
  const { workspace, id } = receipt;
  const why =
    entry.kind === "experiment" ? undefined : holds.reason(entry.kind as "run", entry.id, rootOf(workspace, entry));
  if (why !== undefined) {
    await giveBackHeld(deps, receipt, entry, why);
    return;
  }
  let counted = entry;
  if (entry.counted !== true) {
    // Noted before they go: what is deleted again after a crash is not counted again.
    counted = { ...entry, ...(await measure(deps.objects, entry.prefixes)), counted: true };
    await deps.receipts.putEntry(workspace, id, counted);
  }
  for (const prefix of entry.prefixes) await deleteBelow(deps.objects, prefix);
  if (!(await deps.trash.purge(workspace, id, { ...counted, state: "freed" }))) {
    await deps.trash.giveBack(workspace, id, { ...entry, state: "kept", reason: "a run was made in it meanwhile" });
  }
}

/** `ws/W/artifacts/<root>/` */
function rootOf(workspace: string, entry: Entry): string | undefined {
  const base = `ws/${workspace}/artifacts/`;
  return entry.prefixes.find((prefix) => prefix.startsWith(base))?.slice(base.length, -1);
}

async function giveBackHeld(deps: GcDeps, receipt: Receipt, entry: Entry, why: string): Promise<void> {
  const { workspace, id } = receipt;
  const kept = { ...entry, state: "kept", reason: why } as const;
  if ((await deps.trash.giveBack(workspace, id, kept)) === undefined) return;
  const experiment = await deps.receipts.entry(workspace, id, "experiment", entry.experimentId ?? "");
  if (experiment === undefined) return;
  const reason = `its ${entry.kind.replace("_", " ")} \`${entry.id}\` stays`;
  await deps.trash.giveBack(workspace, id, { ...experiment, state: "kept", reason });
  await deps.trash.giveBack(workspace, id, kept);
}

/** Frees trees, then blobs, in the published order. False: the time is over. */
async function freeDoomed(deps: GcDeps, receipt: Receipt, deadline: number): Promise<boolean> {
  const { workspace, id } = receipt;
  const published = await deps.sweeps.doomed(workspace, id);
  if (published === undefined) return true;
  const doomed = await stillDoomed(deps, workspace, published);
  const steps = [
    ["tree", "trees", (names: readonly string[]) => removeTrees(deps, workspace, names)],
    ["blob", "blobs", (names: readonly string[]) => removeBlobs(deps, workspace, names)],
  ] as const;
  for (const [kind, list, remove] of steps) {
    if (!(await freeList(deps, receipt, deadline, { kind, list, published, doomed, remove }))) return false;
  }
  await deps.sweeps.end(workspace, id);
  return true;
}

const removeTrees = (deps: GcDeps, workspace: string, names: readonly string[]) =>
  mapLimited(names, AT_ONCE, (name) => deps.sweeps.removeTree(workspace, name));
const removeBlobs = (deps: GcDeps, workspace: string, names: readonly string[]) =>
  deps.objects.delete(names.map((name) => blobKey(workspace, name)));

async function freeList(
  deps: GcDeps,
  receipt: Receipt,
  deadline: number,
  step: {
    readonly kind: "tree" | "blob";
    readonly list: "trees" | "blobs";
    readonly published: Doomed;
    readonly doomed: Doomed;
    readonly remove: (names: readonly string[]) => Promise<unknown>;
  },
): Promise<boolean> {
  const { workspace, id } = receipt;
  const all = step.published[step.list];
  const free = new Set(step.doomed[step.list].map(([name]) => name));
  const blank: Entry = {
    kind: step.kind,
    id: step.list,
    state: "freed",
    things: 0,
    objects: 0,
    bytes: 0,
    prefixes: [],
  };
  const known = await deps.receipts.entry(workspace, id, step.kind, step.list);
  let entry = known?.done === undefined ? { ...blank, done: 0 } : known;
  while ((entry.done ?? 0) < all.length) {
    const at = entry.done ?? 0;
    const batch = all.slice(at, at + NAMES_AT_ONCE);
    const claimed = new Set(
      await deps.sweeps.free(
        workspace,
        id,
        batch.map(([name]) => name).filter((name) => free.has(name)),
      ),
    );
    await step.remove([...claimed]);
    await deps.sweeps.gone(workspace, id, [...claimed]);
    const bytes = batch.reduce((sum, [name, sizeBytes]) => sum + (claimed.has(name) ? sizeBytes : 0), 0);
    entry = {
      ...entry,
      things: entry.things + claimed.size,
      objects: entry.objects + claimed.size,
      bytes: entry.bytes + bytes,
      done: at + batch.length,
    };
    await deps.receipts.putEntry(workspace, id, entry);
    if (deps.clock.now() > deadline) return false;
  }
  return true;
}
