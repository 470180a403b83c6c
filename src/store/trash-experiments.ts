import type { Entry } from "../core/gc/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import { ABSENT, type Item, type Table, type Write } from "../core/ports/table.ts";
import {
  deletedExperimentsKey,
  experimentKey,
  experimentNameKey,
  gcEntryKey,
  loggedModelList,
  RUN_FEED_SHARDS,
  runFeed,
  runFeedKey,
  runKey,
} from "./facts/keys.ts";
import { entryItem } from "./gc.ts";
import { deleteItems } from "./partitions.ts";
import { atRev, collecting, entryPut, type Mover, outcome, put } from "./trash-moves.ts";

const TRIES = 20;

export function experimentTrash(table: Table, clock: Clock): Mover {
  /** The one record of deleted experiments' ids, with or without this one. */
  async function deletedIds(workspace: string, id: string, isDeleted: boolean): Promise<Write> {
    const key = deletedExperimentsKey(workspace);
    const before = await table.get(key);
    const ids = ((before?.ids ?? []) as string[]).filter((each) => each !== id);
    return put(
      {
        ...key,
        type: "DELETED-EXPERIMENTS",
        v: 1,
        ids: isDeleted ? [...ids, id] : ids,
        rev: Number(before?.rev ?? 0) + 1,
      },
      before === undefined ? ABSENT : [{ attr: "rev", op: "eq", value: Number(before.rev) }],
    );
  }

  async function held(workspace: string, receipt: string, entry: Entry): Promise<Item | undefined> {
    const item = await table.get(gcEntryKey(workspace, receipt, entry.kind, entry.id));
    return item?.record === undefined ? undefined : (item.record as unknown as Item);
  }

  async function hasRuns(workspace: string, experiment: string): Promise<boolean> {
    for (let shard = 0; shard < RUN_FEED_SHARDS; shard++) {
      for await (const run of runsOf(table, workspace, experiment, shard)) if (run.type === "RUN") return true;
    }
    return false;
  }

  return {
    async take(workspace, receipt, entry) {
      const record = await table.get(experimentKey(workspace, entry.id));
      if (record === undefined || record.lifecycle !== "deleted") return "no";
      const models = await table.query({ pk: loggedModelList(workspace, entry.id), limit: 1 });
      if (models.items.length > 0 || (await hasRuns(workspace, entry.id))) return "no";
      const result = await table.transact([
        { kind: "delete", key: experimentKey(workspace, entry.id), when: atRev(record) },
        { kind: "delete", key: experimentNameKey(workspace, String(record.name)) },
        await deletedIds(workspace, entry.id, false),
        put({ ...entryItem(workspace, receipt, entry), record: record as never }),
        collecting(workspace, receipt),
      ]);
      // The record of deleted ids is everybody's.
      return !result.ok && result.failed.every(({ index }) => index === 0 || index === 2) ? "again" : outcome(result);
    },
    async giveBack(workspace, receipt, entry) {
      let suffix = "";
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const record = await held(workspace, receipt, entry);
        if (record === undefined) return undefined;
        const name = `${String(record.name)}${suffix}`;
        const reason = suffix === "" ? {} : { reason: `as \`${name}\`: its name is another experiment's now` };
        const pointer = {
          ...experimentNameKey(workspace, name),
          type: "EXPERIMENT-NAME",
          v: 1,
          experimentId: entry.id,
        };
        const result = await table.transact([
          put({ ...record, name, updatedMs: clock.now(), rev: Number(record.rev) + 1 }, ABSENT),
          put(pointer, ABSENT),
          await deletedIds(workspace, entry.id, true),
          entryPut(workspace, receipt, { ...entry, ...reason }),
        ]);
        if (result.ok) return undefined;
        if (result.failed.some(({ index }) => index === 1)) suffix = ` (${entry.id})`;
      }
      return "too many experiments change at once";
    },
    async purge(workspace, receipt, entry) {
      // A run that was being made in the moment its experiment went.
      if (await hasRuns(workspace, entry.id)) return false;
      for (let shard = 0; shard < RUN_FEED_SHARDS; shard++) {
        const stay = new Set<string>();
        for await (const run of runsOf(table, workspace, entry.id, shard)) {
          // Of another receipt, and it may be restored still.
          stay.add(runFeedKey(workspace, entry.id, String(run.runId), Number(run.feedMs)).sk);
        }
        await deleteItems(table, { pk: runFeed(workspace, entry.id, shard) }, stay);
      }
      await table.transact([entryPut(workspace, receipt, entry)]);
      return true;
    },
  };
}

async function* runsOf(table: Table, workspace: string, experiment: string, shard: number): AsyncGenerator<Item> {
  let cursor: string | undefined;
  do {
    const page = await table.query({
      pk: runFeed(workspace, experiment, shard),
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* await table.batchGet(page.items.map((item) => runKey(workspace, String(item.run))));
    cursor = page.cursor;
  } while (cursor !== undefined);
}
