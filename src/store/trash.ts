import type { Entry, Trash } from "../core/gc/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import {
  ABSENT,
  type Clause,
  type Item,
  PRESENT,
  type Table,
  type TransactResult,
  type Write,
} from "../core/ports/table.ts";
import {
  deletedExperimentsKey,
  experimentKey,
  experimentNameKey,
  gcEntryKey,
  gcReceiptKey,
  jobKey,
  logChunks,
  loggedModelKey,
  loggedModelList,
  loggedModelListKey,
  logHeadKey,
  metricLog,
  RUN_FEED_SHARDS,
  runFeed,
  runFeedKey,
  runKey,
  runPartition,
} from "./facts/keys.ts";
import { entryItem } from "./gc.ts";
import { LOGGED_MODEL_IN_TRASH } from "./logged-models.ts";
import { deleteItems, itemsOf } from "./partitions.ts";
import { RUN_IN_TRASH } from "./run-items.ts";

const TRIES = 20;

type Step = "done" | "no" | "again";

/**
 * Runs and logged models stay where they are under another type, which their stores do not read: an id in the trash is neither there nor free.
 * An experiment's record moves into the receipt, so that its name is free.
 */
export function openTrash(deps: { readonly table: Table; readonly clock: Clock }): Trash {
  const { table, clock } = deps;
  const makers = {
    run: runTrash(table, clock),
    logged_model: modelTrash(table, clock),
    experiment: experimentTrash(table, clock),
  };
  const makerOf = (entry: Entry) => makers[entry.kind as keyof typeof makers];

  async function repeat(step: () => Promise<Step>): Promise<boolean> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const result = await step();
      if (result !== "again") return result === "done";
    }
    return false;
  }

  return {
    take: (workspace, receipt, entry) => repeat(() => makerOf(entry).take(workspace, receipt, entry)),
    giveBack: (workspace, receipt, entry) => makerOf(entry).giveBack(workspace, receipt, entry),
    purge: (workspace, receipt, entry) => makerOf(entry).purge(workspace, receipt, entry),
  };
}

interface Mover {
  take(workspace: string, receipt: string, entry: Entry): Promise<Step>;
  giveBack: Trash["giveBack"];
  purge: Trash["purge"];
}

const atRev = (item: Item): readonly Clause[] => [
  { attr: "rev", op: "eq", value: Number(item.rev) },
  { attr: "type", op: "eq", value: item.type },
];
const put = (item: Item, when?: readonly Clause[]): Write => ({
  kind: "put",
  item,
  ...(when === undefined ? {} : { when }),
});
const entryPut = (workspace: string, receipt: string, entry: Entry): Write => put(entryItem(workspace, receipt, entry));

/** A receipt that is being restored takes nothing more. */
const collecting = (workspace: string, receipt: string): Write => ({
  kind: "check",
  key: gcReceiptKey(workspace, receipt),
  when: [{ attr: "state", op: "eq", value: "collecting" }],
});

/** `again` only where the thing itself was changed by somebody faster. */
function outcome(result: TransactResult): Step {
  if (result.ok) return "done";
  return result.failed.every(({ index, item }) => index === 0 && item !== undefined) ? "again" : "no";
}

/** A thing that is not deleted itself goes only while its experiment is. */
function whileDeleted(workspace: string, experiment: string): Write {
  const when = [{ attr: "lifecycle", op: "eq", value: "deleted" }] as const;
  return { kind: "check", key: experimentKey(workspace, experiment), when };
}

/** The experiment that a thing comes back to; `Default` is made whenever it is looked for. */
function mustHaveExperiment(workspace: string, id: string): Write[] {
  return id === "0" ? [] : [{ kind: "check", key: experimentKey(workspace, id), when: PRESENT }];
}

function runTrash(table: Table, clock: Clock): Mover {
  /** Who follows the feed finds the run's entry at its end, and no run. */
  function moved(run: Item, feedMs: number): Write[] {
    const [workspace, experiment, id] = [String(run.workspace), String(run.experimentId), String(run.runId)];
    return [
      { kind: "delete", key: runFeedKey(workspace, experiment, id, Number(run.feedMs)) },
      put({
        ...runFeedKey(workspace, experiment, id, feedMs),
        type: "RUN-FEED",
        v: 1,
        run: id,
        rev: Number(run.rev) + 1,
      }),
    ];
  }
  const nextFeed = (run: Item): number => Math.max(clock.now(), Number(run.feedMs) + 1);

  return {
    async take(workspace, receipt, entry) {
      const run = await table.get(runKey(workspace, entry.id));
      if (run === undefined || run.type !== "RUN") return "no";
      const feedMs = nextFeed(run);
      const experiment = String(run.experimentId);
      const result = await table.transact([
        put({ ...run, type: RUN_IN_TRASH, receipt, rev: Number(run.rev) + 1, feedMs }, atRev(run)),
        ...moved(run, feedMs),
        entryPut(workspace, receipt, entry),
        collecting(workspace, receipt),
        ...(run.lifecycle === "deleted" ? [] : [whileDeleted(workspace, experiment)]),
      ]);
      return outcome(result);
    },
    async giveBack(workspace, receipt, entry) {
      const run = await table.get(runKey(workspace, entry.id));
      if (run === undefined) return "its record is gone";
      const { receipt: holder, ...rest } = run;
      if (run.type !== RUN_IN_TRASH || holder !== receipt) {
        await table.transact([entryPut(workspace, receipt, entry)]);
        return undefined;
      }
      const feedMs = nextFeed(run);
      const experiment = String(run.experimentId);
      const result = await table.transact([
        put(
          {
            ...rest,
            type: "RUN",
            rev: Number(run.rev) + 1,
            feedMs,
            ...(run.lifecycle === "deleted" ? { deletedMs: clock.now() } : {}),
          } as Item,
          atRev(run),
        ),
        ...moved(run, feedMs),
        entryPut(workspace, receipt, entry),
        ...mustHaveExperiment(workspace, experiment),
      ]);
      return result.ok ? undefined : `its experiment \`${experiment}\` is not there; restore that first`;
    },
    async purge(workspace, receipt, entry) {
      const { id } = entry;
      const run = await table.get(runKey(workspace, id));
      if (run !== undefined && (run.type !== RUN_IN_TRASH || run.receipt !== receipt)) return true;
      await deleteItems(table, { pk: metricLog(workspace, id) });
      const { pk: logs } = logHeadKey(workspace, id, "-", "-");
      for await (const { sk } of itemsOf(table, { pk: logs }))
        await deleteItems(table, { pk: logChunks(workspace, id, sk) });
      await deleteItems(table, { pk: logs });
      // The record goes last: while it stands, everything can be begun again.
      const [runSk, jobSk] = [runKey(workspace, id).sk, jobKey(workspace, id).sk];
      await deleteItems(table, { pk: runPartition(workspace, id) }, new Set([runSk, jobSk]));
      await table.transact([
        { kind: "delete", key: runKey(workspace, id) },
        { kind: "delete", key: jobKey(workspace, id) },
        ...(run === undefined
          ? []
          : [
              {
                kind: "delete",
                key: runFeedKey(workspace, String(run.experimentId), id, Number(run.feedMs)),
              } satisfies Write,
            ]),
        entryPut(workspace, receipt, entry),
      ]);
      return true;
    },
  };
}

function modelTrash(table: Table, clock: Clock): Mover {
  return {
    async take(workspace, receipt, entry) {
      const model = await table.get(loggedModelKey(workspace, entry.id));
      if (model === undefined || model.type !== "LOGGED-MODEL") return "no";
      const experiment = String(model.experimentId);
      const result = await table.transact([
        put({ ...model, type: LOGGED_MODEL_IN_TRASH, receipt, rev: Number(model.rev) + 1 }, atRev(model)),
        { kind: "delete", key: loggedModelListKey(workspace, experiment, entry.id) },
        entryPut(workspace, receipt, entry),
        collecting(workspace, receipt),
        ...(model.deleted === true ? [] : [whileDeleted(workspace, experiment)]),
      ]);
      return outcome(result);
    },
    async giveBack(workspace, receipt, entry) {
      const model = await table.get(loggedModelKey(workspace, entry.id));
      if (model === undefined) return "its record is gone";
      const { receipt: holder, ...rest } = model;
      if (model.type !== LOGGED_MODEL_IN_TRASH || holder !== receipt) {
        await table.transact([entryPut(workspace, receipt, entry)]);
        return undefined;
      }
      const experiment = String(model.experimentId);
      const result = await table.transact([
        put(
          { ...rest, type: "LOGGED-MODEL", updatedMs: clock.now(), rev: Number(model.rev) + 1 } as Item,
          atRev(model),
        ),
        put({ ...loggedModelListKey(workspace, experiment, entry.id), type: "LOGGED-MODEL-ENTRY", v: 1 }),
        entryPut(workspace, receipt, entry),
        ...mustHaveExperiment(workspace, experiment),
      ]);
      return result.ok ? undefined : `its experiment \`${experiment}\` is not there; restore that first`;
    },
    async purge(workspace, receipt, entry) {
      const key = loggedModelKey(workspace, entry.id);
      const model = await table.get(key);
      if (model !== undefined && (model.type !== LOGGED_MODEL_IN_TRASH || model.receipt !== receipt)) return true;
      await table.transact([{ kind: "delete", key }, entryPut(workspace, receipt, entry)]);
      return true;
    },
  };
}

function experimentTrash(table: Table, clock: Clock): Mover {
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
