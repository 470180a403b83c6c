import type { AssetKind } from "../core/assets/ports.ts";
import type { Table } from "../core/ports/table.ts";
import type { DatasetBrief } from "../core/tracking/ports.ts";
import { forgetMember } from "./access.ts";
import {
  assetNames,
  assetPartition,
  batchEndpointList,
  compositeKey,
  computeKey,
  datastoreList,
  experimentKey,
  experimentList,
  experimentNameKey,
  firingKey,
  gcClaimKey,
  gcEntries,
  gcList,
  gcSweepKey,
  leftoverKey,
  lineagePartition,
  logChunks,
  loggedModelKey,
  loggedModelList,
  logHeadKey,
  memberList,
  metricLog,
  modelList,
  notificationList,
  queueKey,
  RUN_FEED_SHARDS,
  reuseKey,
  roleList,
  runFeed,
  runKey,
  runPartition,
  scheduleJobKey,
  scheduleList,
  secretList,
  treeKey,
} from "./facts/keys.ts";
import { deleteItems, itemsOf } from "./partitions.ts";

const KINDS: readonly AssetKind[] = ["data", "environment", "component"];
const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** What lineage knows a thing by. */
interface Thing {
  readonly kind: string;
  readonly name: string;
  readonly version?: string;
}

/**
 * Removes every record of a workspace but its activities. Lists go after what they list, so that it can be cut short anywhere and begun again.
 * Trees are named by their objects: `purgeTrees` takes those.
 */
export async function purgeRecords(table: Table, workspace: string): Promise<void> {
  for (const experiment of await experimentsOf(table, workspace)) {
    for (let shard = 0; shard < RUN_FEED_SHARDS; shard++) {
      const feed = runFeed(workspace, experiment, shard);
      for await (const { run } of itemsOf(table, { pk: feed })) await purgeRun(table, workspace, String(run));
      await deleteItems(table, { pk: feed });
    }
    const models = loggedModelList(workspace, experiment);
    for await (const { sk: model } of itemsOf(table, { pk: models })) {
      await purgeLineage(table, workspace, { kind: "logged_model", name: model });
      await deleteItems(table, { pk: loggedModelKey(workspace, model).pk });
    }
    await deleteItems(table, { pk: models });
  }
  await purgeAssets(table, workspace);
  await purgeModels(table, workspace);
  await purgeGc(table, workspace);
  for await (const { sk: schedule } of itemsOf(table, { pk: scheduleList(workspace) })) {
    for (const { pk } of [firingKey(workspace, schedule, "-"), scheduleJobKey(workspace, schedule)])
      await deleteItems(table, { pk });
  }
  for await (const { sk: compute } of itemsOf(table, { pk: computeKey(workspace, "-").pk }))
    await deleteItems(table, { pk: queueKey(workspace, compute, "-").pk });
  for await (const member of itemsOf(table, { pk: memberList(workspace) }))
    await table.transact(forgetMember(member, workspace));
  for await (const { name } of itemsOf(table, { pk: experimentList(workspace), sk: { prefix: "E#" } }))
    await deleteItems(table, { pk: experimentNameKey(workspace, String(name)).pk });
  const rest = [experimentList, datastoreList, roleList, gcList, scheduleList, notificationList].map((list) =>
    list(workspace),
  );
  rest.push(compositeKey(workspace, "-").pk, reuseKey(workspace, "-").pk, secretList(workspace));
  rest.push(batchEndpointList(workspace));
  for (const pk of [...rest, computeKey(workspace, "-").pk, leftoverKey(workspace, "-").pk, gcSweepKey(workspace).pk])
    await deleteItems(table, { pk });
}

/** Removes the records of trees. */
export async function purgeTrees(table: Table, workspace: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) await deleteItems(table, { pk: treeKey(workspace, id).pk });
}

/** Ids of experiments, those in the trash of gc too. */
async function experimentsOf(table: Table, workspace: string): Promise<ReadonlySet<string>> {
  const ids = new Set(["0"]);
  for await (const { id } of itemsOf(table, { pk: experimentList(workspace), sk: { prefix: experimentPrefix } }))
    ids.add(String(id));
  for await (const { sk: receipt } of itemsOf(table, { pk: gcList(workspace) })) {
    for await (const { sk } of itemsOf(table, { pk: gcEntries(workspace, receipt), sk: { prefix: "experiment#" } }))
      ids.add(sk.slice("experiment#".length));
  }
  return ids;
}

const experimentPrefix = experimentKey("-", "0").sk.slice(0, 2);

async function purgeRun(table: Table, workspace: string, run: string): Promise<void> {
  const head = await table.get(runKey(workspace, run));
  await purgeLineage(table, workspace, { kind: "run", name: run });
  for (const { name, digest } of (head?.datasets ?? []) as unknown as readonly DatasetBrief[])
    await purgeLineage(table, workspace, { kind: "dataset", name, version: digest });
  await deleteItems(table, { pk: metricLog(workspace, run) });
  const { pk: heads } = logHeadKey(workspace, run, "-", "-");
  for await (const { sk } of itemsOf(table, { pk: heads }))
    await deleteItems(table, { pk: logChunks(workspace, run, sk) });
  await deleteItems(table, { pk: heads });
  await deleteItems(table, { pk: runPartition(workspace, run) });
}

async function purgeAssets(table: Table, workspace: string): Promise<void> {
  for (const kind of KINDS) {
    const heads: string[] = [];
    for await (const head of itemsOf(table, { index: "gsi1", pk: assetNames(workspace, kind) }))
      heads.push(String(head.name));
    for (const name of heads) {
      const pk = assetPartition(workspace, kind, name);
      if (kind === "data") {
        for await (const { sk } of itemsOf(table, { pk, sk: { prefix: "V#" } }))
          await purgeLineage(table, workspace, { kind, name, version: sk.slice(2) });
      }
      await deleteItems(table, { pk });
    }
  }
}

async function purgeModels(table: Table, workspace: string): Promise<void> {
  for await (const { id } of itemsOf(table, { pk: modelList(workspace) })) {
    const pk = assetPartition(workspace, "model", String(id));
    for await (const { version } of itemsOf(table, { pk, sk: { prefix: "V#" } }))
      await purgeLineage(table, workspace, { kind: "model", name: String(id), version: String(version) });
    await deleteItems(table, { pk });
  }
  await deleteItems(table, { pk: modelList(workspace) });
}

async function purgeGc(table: Table, workspace: string): Promise<void> {
  const isSweeping = (await table.get(gcSweepKey(workspace))) !== undefined;
  for await (const { sk: receipt, gsi1pk } of itemsOf(table, { pk: gcList(workspace) })) {
    await deleteItems(table, { pk: gcEntries(workspace, receipt) });
    if (!isSweeping && gsi1pk === undefined) continue;
    for (const digits of HEX) await deleteItems(table, { pk: gcClaimKey(workspace, receipt, digits).pk });
  }
}

/** The edges of a thing, and of all that these lead to: some ends have no record of their own. */
async function purgeLineage(table: Table, workspace: string, thing: Thing): Promise<void> {
  const waiting: Thing[] = [thing];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const direction of ["up", "down"]) {
      const pk = lineagePartition(workspace, direction, next.kind, next.name, next.version);
      let isEmpty = true;
      for await (const { kind, name, version } of itemsOf(table, { pk })) {
        isEmpty = false;
        waiting.push({
          kind: String(kind),
          name: String(name),
          ...(version === undefined ? {} : { version: String(version) }),
        });
      }
      // What is empty was deleted before: no thing is gone through for ever.
      if (!isEmpty) await deleteItems(table, { pk });
    }
  }
}
