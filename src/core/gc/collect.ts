import type { GcItem } from "../../contract/gc.ts";
import { mapLimited } from "../files/streams.ts";
import { batchesOf, type GcDeps, measure, noted, objectsBelow } from "./deps.ts";
import { type Holds, readHolds } from "./holds.ts";
import { findDoomed } from "./mark.ts";
import type { Asked, Entry, Receipt } from "./ports.ts";
import { type Candidate, candidates, isRestricted } from "./select.ts";

const AT_ONCE = 16;
const EMPTY_EXPERIMENT = "some of its runs or logged models stay";

/** Moves what was asked for to the trash until `deadline`; called again, it goes on, for what is in the trash is not found again. */
export async function collect(deps: GcDeps, receipt: Receipt, deadline: number): Promise<Receipt> {
  const { workspace, asked, atMs } = receipt;
  const holds = await readHolds(deps, workspace);
  for await (const batch of batchesOf(candidates(deps, workspace, asked, atMs), AT_ONCE)) {
    await mapLimited(batch, AT_ONCE, (candidate) => take(deps, receipt, holds, candidate));
    if (deps.clock.now() > deadline) return noted(deps, receipt);
  }
  if (!isRestricted(asked)) {
    await sweepUploads(deps, receipt);
    await doom(deps, receipt);
  }
  const now = deps.clock.now();
  const collected = await noted(deps, receipt, { state: "trash", freesAtMs: now + asked.graceMs });
  const isEmpty = Object.keys(collected.totals).every((kind) => kind === "upload");
  return isEmpty && collected.state === "trash"
    ? noted(deps, collected, { state: "freed", freesAtMs: now, endedMs: now })
    : collected;
}

/** What `collect` would do: nothing is changed. */
export async function look(deps: GcDeps, workspace: string, asked: Asked, nowMs: number): Promise<readonly Entry[]> {
  const holds = await readHolds(deps, workspace);
  const entries: Entry[] = [];
  const staying = new Set<string>();
  for await (const batch of batchesOf(candidates(deps, workspace, asked, nowMs), AT_ONCE)) {
    const found = await mapLimited(batch, AT_ONCE, (candidate) => entryOf(deps, holds, candidate));
    for (const entry of found) {
      if (entry.state === "kept" && entry.experimentId !== undefined) staying.add(entry.experimentId);
      const stays = entry.kind === "experiment" && staying.has(entry.id);
      entries.push(stays ? { ...entry, state: "kept", reason: EMPTY_EXPERIMENT } : entry);
    }
  }
  if (isRestricted(asked)) return entries;
  const { uploads, objects, bytes } = await oldParts(deps, workspace);
  const doomed = await findDoomed(deps, workspace, asked.olderThanMs);
  return [
    ...entries,
    ...[
      { ...sum("upload", "parts", []), things: uploads.size, objects, bytes },
      sum("tree", "trees", doomed.trees),
      sum("blob", "blobs", doomed.blobs),
    ].filter(({ things }) => things > 0),
  ];
}

async function take(deps: GcDeps, receipt: Receipt, holds: Holds, candidate: Candidate): Promise<void> {
  const { workspace, id } = receipt;
  const entry = await entryOf(deps, holds, candidate);
  if (entry.state === "kept") {
    await deps.receipts.putEntry(workspace, id, entry);
    return;
  }
  const taken = await deps.trash.take(workspace, id, entry);
  if (!taken && entry.kind === "experiment") {
    await deps.receipts.putEntry(workspace, id, { ...entry, state: "kept", reason: EMPTY_EXPERIMENT });
  }
}

async function entryOf(deps: GcDeps, holds: Holds, candidate: Candidate): Promise<Entry> {
  const { kind, id, root, elsewhere, prefixes, experimentId } = candidate;
  const why = kind === "experiment" ? undefined : holds.reason(kind, id, root);
  const stays =
    elsewhere === undefined ? undefined : `its artifacts at \`${elsewhere}\` are not this server's; they stay`;
  const reason = why ?? stays;
  return {
    kind,
    id,
    state: why === undefined ? "trash" : "kept",
    ...(reason === undefined ? {} : { reason }),
    things: 1,
    ...(await measure(deps.objects, prefixes)),
    prefixes,
    ...(experimentId === undefined ? {} : { experimentId }),
  };
}

/** Publishes the trees and blobs that nothing names; they go with the rest of the receipt. */
async function doom(deps: GcDeps, { workspace, id: receipt, asked }: Receipt): Promise<void> {
  if ((await deps.sweeps.doomed(workspace, receipt)) === undefined) {
    const doomed = await findDoomed(deps, workspace, asked.olderThanMs);
    if (doomed.trees.length + doomed.blobs.length === 0) return;
    if (!(await deps.sweeps.begin(workspace, receipt, doomed))) return;
  }
  // As published: begun again after a crash, the first list holds.
  const { trees, blobs } = (await deps.sweeps.doomed(workspace, receipt)) ?? { trees: [], blobs: [] };
  for (const entry of [sum("tree", "trees", trees), sum("blob", "blobs", blobs)]) {
    if (entry.things > 0) await deps.receipts.putEntry(workspace, receipt, entry);
  }
}

function sum(kind: GcItem["kind"], id: string, names: readonly (readonly [string, number])[]): Entry {
  const bytes = names.reduce((all, [, sizeBytes]) => all + sizeBytes, 0);
  return { kind, id, state: "trash", things: names.length, objects: names.length, bytes, prefixes: [] };
}

/** Parts of uploads that nobody can join any more: the upload's id was good for a day. */
async function sweepUploads(deps: GcDeps, receipt: Receipt): Promise<void> {
  const { workspace, id } = receipt;
  const { uploads, keys, objects, bytes } = await oldParts(deps, workspace);
  if (keys.length === 0) return;
  // Noted before they go: deleted again after a crash, they are not counted again.
  if ((await deps.receipts.entry(workspace, id, "upload", "parts")) === undefined) {
    await deps.receipts.putEntry(workspace, id, {
      ...sum("upload", "parts", []),
      state: "freed",
      things: uploads.size,
      objects,
      bytes,
    });
  }
  await deps.objects.delete(keys);
}

async function oldParts(deps: GcDeps, workspace: string) {
  const prefix = `ws/${workspace}/uploads/`;
  const until = deps.clock.now() - deps.limits.youngMs;
  const keys: string[] = [];
  const uploads = new Set<string>();
  let bytes = 0;
  for await (const { key, sizeBytes, modifiedMs } of objectsBelow(deps.objects, prefix)) {
    if (modifiedMs > until) continue;
    keys.push(key);
    uploads.add(key.slice(prefix.length).split("/")[0] ?? "");
    bytes += sizeBytes;
  }
  return { keys, uploads, objects: keys.length, bytes };
}
