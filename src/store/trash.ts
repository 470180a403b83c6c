import type { Entry, Trash } from "../core/gc/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Item, Table, Write } from "../core/ports/table.ts";
import {
  jobKey,
  logChunks,
  loggedModelKey,
  loggedModelListKey,
  logHeadKey,
  metricLog,
  runFeedKey,
  runKey,
  runPartition,
} from "./facts/keys.ts";
import { LOGGED_MODEL_IN_TRASH } from "./logged-models.ts";
import { deleteItems, itemsOf } from "./partitions.ts";
import { RUN_IN_TRASH } from "./run-items.ts";
import { runGoneWrites } from "./runs.ts";
import { experimentTrash } from "./trash-experiments.ts";
import {
  atRev,
  collecting,
  entryPut,
  type Mover,
  mustHaveExperiment,
  outcome,
  put,
  type Step,
  whileDeleted,
} from "./trash-moves.ts";

const TRIES = 20;

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
        ...(run === undefined ? [] : runGoneWrites(run, clock.now())),
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
