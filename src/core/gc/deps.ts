import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Objects } from "../ports/objects.ts";
import type { ScheduleStore } from "../schedules/ports.ts";
import type { TreeStore } from "../trees/ports.ts";
import type { WorkspaceStore } from "../workspaces/ports.ts";
import type { HoldDeps } from "./holds.ts";
import type { Entry, Receipt, ReceiptStore, SweepStore, Trash } from "./ports.ts";
import type { SelectDeps } from "./select.ts";

export interface GcLimits {
  /** Between the moment something can't be found any more and the one its bytes go: longer than any request takes. */
  readonly leastGraceMs: number;
  /** Code and data files that nobody names yet may be about to be named; parts of an upload, to be joined. */
  readonly youngMs: number;
}

export const GC_LIMITS: GcLimits = { leastGraceMs: 5 * 60_000, youngMs: 2 * 86_400_000 };

export interface GcDeps extends SelectDeps, HoldDeps {
  readonly workspaces: Pick<WorkspaceStore, "get">;
  readonly receipts: ReceiptStore;
  readonly trash: Trash;
  readonly sweeps: SweepStore;
  readonly trees: TreeStore;
  readonly objects: Objects;
  readonly schedules: Pick<ScheduleStore, "list" | "template">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: GcLimits;
  /** Called when a receipt's grace period begins. @default rounds find what is due */
  readonly remind?: (receipt: Receipt) => Promise<void>;
  /** Drops what the search index keeps on disk of experiments; it makes it again. */
  readonly dropIndex: (workspace: string, experimentIds: readonly string[]) => Promise<void>;
}

const PAGE = 500;

export async function* entriesOf(deps: Pick<GcDeps, "receipts">, { workspace, id }: Receipt): AsyncGenerator<Entry> {
  let cursor: string | undefined;
  do {
    const page = await deps.receipts.entries({
      workspace,
      receipt: id,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** The receipt with its entries added up and in another state; as it stands where somebody was faster. */
export async function noted(
  deps: Pick<GcDeps, "receipts">,
  before: Receipt,
  change: Partial<Pick<Receipt, "state" | "freesAtMs" | "endedMs" | "endedBy">> = {},
): Promise<Receipt> {
  const totals: Record<string, { things: number; objects: number; bytes: number }> = {};
  let kept = 0;
  for await (const entry of entriesOf(deps, before)) {
    if (entry.state === "kept") {
      kept += entry.things;
      continue;
    }
    const sum = totals[entry.kind] ?? { things: 0, objects: 0, bytes: 0 };
    totals[entry.kind] = {
      things: sum.things + entry.things,
      objects: sum.objects + entry.objects,
      bytes: sum.bytes + entry.bytes,
    };
  }
  const saved = await deps.receipts.save(before, { ...before, ...change, totals, kept });
  return saved ?? (await deps.receipts.get(before.workspace, before.id)) ?? before;
}

/** Objects below prefixes. */
export async function measure(
  objects: Objects,
  prefixes: readonly string[],
): Promise<{ readonly objects: number; readonly bytes: number }> {
  let count = 0;
  let bytes = 0;
  for (const prefix of prefixes) {
    for await (const { sizeBytes } of objectsBelow(objects, prefix)) {
      count += 1;
      bytes += sizeBytes;
    }
  }
  return { objects: count, bytes };
}

export async function* objectsBelow(objects: Objects, prefix: string) {
  let cursor: string | undefined;
  do {
    const page = await objects.list({ prefix, limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.objects;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Deletes everything below a prefix; from the start again after each page, for what is deleted is not there. */
export async function deleteBelow(objects: Objects, prefix: string): Promise<void> {
  for (;;) {
    const page = await objects.list({ prefix, limit: 1000 });
    if (page.objects.length === 0) return;
    await objects.delete(page.objects.map(({ key }) => key));
  }
}

/** Groups of up to `size` that are of one kind. */
export async function* batchesOf<T extends { readonly kind: string }>(
  items: AsyncIterable<T>,
  size: number,
): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    if (batch.length === size || (batch[0] !== undefined && batch[0].kind !== item.kind)) {
      yield batch;
      batch = [];
    }
    batch.push(item);
  }
  if (batch.length > 0) yield batch;
}
