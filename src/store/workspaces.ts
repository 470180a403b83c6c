import { DEFAULT_DATASTORE } from "../contract/datastores.ts";
import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { AssetKind } from "../core/assets/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import { ABSENT, type Clause, type Item, type Query, type Table, type Value, type Write } from "../core/ports/table.ts";
import type { WorkspaceRecord, WorkspaceStore } from "../core/workspaces/ports.ts";
import { localComputeWrite } from "./computes.ts";
import { defaultDatastoreWrite } from "./datastores.ts";
import {
  assetNames,
  computeKey,
  datastoreList,
  endpointKey,
  experimentList,
  GC_OPEN,
  gcOpenPrefix,
  gcSweepKey,
  jobList,
  modelList,
  queueKey,
  RUN_FEED_SHARDS,
  runFeed,
  scheduleList,
  WORKSPACE_LIST,
  workspaceKey,
  workspacePurgeKey,
  workspaceStorageKey,
} from "./facts/keys.ts";
import { itemsOf } from "./partitions.ts";
import { makeRecent } from "./recent.ts";
import { RUN_GONE } from "./runs.ts";
import { isWatched, keepReads } from "./table-watch.ts";
import { amountsIn } from "./workspace-amounts.ts";
import { purgeRecords, purgeTrees } from "./workspace-purge.ts";
import { storageItem } from "./workspace-storage.ts";

const KINDS: readonly (readonly [AssetKind, string])[] = [
  ["data", "data assets"],
  ["environment", "environments"],
  ["component", "components"],
];

/** How old what a process knows of a workspace's being there may be, where other processes make and delete them too. */
const KNOWN_MS = 30_000;

export function openWorkspaceStore(deps: {
  readonly table: Table;
  readonly clock: Clock;
  readonly activity: ActivityWrite;
}): WorkspaceStore {
  const { table, activity } = deps;
  const kept = keepReads(table);
  const there = makeRecent<boolean>({ clock: deps.clock, ageMs: KNOWN_MS });
  const has = async (query: Query) => (await table.query({ ...query, limit: 1 })).items.length > 0;

  return {
    async get(name) {
      const item = await kept.get(workspaceKey(name));
      return item === undefined ? undefined : fromItem(item);
    },
    async isThere(name) {
      const find = async () => {
        const item = await kept.get(workspaceKey(name));
        return item !== undefined && item.deletesMs === undefined;
      };
      if (isWatched(table)) return find();
      const is = await there.get(name, find);
      if (!is) there.forget(name);
      return is;
    },
    async list({ limit, cursor }) {
      const page = await table.query({ pk: WORKSPACE_LIST, limit, ...(cursor === undefined ? {} : { cursor }) });
      return { items: page.items.map(fromItem), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async put(record, expectedRev, actor, words) {
      const { name, createdAt, createdBy } = record;
      const isNew = expectedRev === 0;
      const { ok } = await table.transact([
        { kind: "put", item: toItem(record), when: isNew ? ABSENT : atRev(expectedRev) },
        activity({
          workspace: name,
          actor,
          resource: "workspace",
          name,
          action: isNew ? "create" : "update",
          summary: `workspace \`${name}\` ${isNew ? "made" : "changed"}`,
          ...words,
        }),
        ...(isNew
          ? [
              defaultDatastoreWrite(name, createdBy, createdAt),
              localComputeWrite(name, createdBy, Date.parse(createdAt)),
              { kind: "check" as const, key: workspacePurgeKey(name), when: ABSENT },
              storageWrite(record),
            ]
          : []),
      ]);
      there.forget(name);
      return ok;
    },
    async delete({ name, rev }, actor) {
      const { ok } = await table.transact([
        { kind: "delete", key: workspaceKey(name), when: atRev(rev) },
        { kind: "put", item: { ...workspacePurgeKey(name), type: "workspace-purge", v: 1 } },
        activity({
          workspace: name,
          actor,
          resource: "workspace",
          name,
          action: "delete",
          summary: `workspace \`${name}\` deleted`,
        }),
      ]);
      there.forget(name);
      return ok;
    },
    async contents(name) {
      const found: string[] = [];
      if (await has({ index: "gsi1", pk: jobList(name) })) found.push("jobs");
      if (await has({ pk: modelList(name) })) found.push("models");
      if (await has({ pk: endpointKey(name, "x").pk })) found.push("endpoints");
      if (await has({ pk: scheduleList(name) })) found.push("schedules");
      for (const [kind, words] of KINDS) {
        for await (const head of itemsOf(table, { index: "gsi1", pk: assetNames(name, kind) })) {
          if (head.isCurated === true) continue;
          found.push(words);
          break;
        }
      }
      if (await hasExperiments(table, name)) found.push("experiments");
      else if (await hasRuns(table, name)) found.push("runs");
      const openGc = { index: "gsi1", pk: GC_OPEN, sk: { prefix: gcOpenPrefix(name) } } as const;
      if (await has(openGc)) found.push("things in the trash of `yard gc`");
      const datastores = await table.query({ pk: datastoreList(name) });
      if (datastores.items.some((item) => item.sk !== DEFAULT_DATASTORE)) found.push("datastores");
      return found;
    },
    async needsPurge(name) {
      return (await table.get(workspacePurgeKey(name))) !== undefined;
    },
    async unpurged() {
      const names: string[] = [];
      for await (const { sk } of itemsOf(table, { pk: workspacePurgeKey("-").pk })) names.push(sk);
      return names;
    },
    amounts: (name) => amountsIn(table, name),
    async blockers(name) {
      const found: string[] = [];
      for await (const { sk: compute } of itemsOf(table, { pk: computeKey(name, "-").pk })) {
        if (await has({ pk: queueKey(name, compute, "-").pk })) found.push(`jobs on \`${compute}\` that are not over`);
      }
      if (await has({ pk: endpointKey(name, "x").pk })) found.push("endpoints");
      if ((await table.get(gcSweepKey(name))) !== undefined) found.push("a gc under way");
      return found;
    },
    purgeTrees: (name, ids) => purgeTrees(table, name, ids),
    async purge(name) {
      await purgeRecords(table, name);
      await table.transact([{ kind: "delete", key: workspacePurgeKey(name) }]);
    },
  };
}

/** Any experiment but `Default`, whose key sorts first. */
async function hasExperiments(table: Table, workspace: string): Promise<boolean> {
  const page = await table.query({ pk: experimentList(workspace), sk: { prefix: "E#" }, limit: 2 });
  return page.items.some((item) => item.id !== "0");
}

async function hasRuns(table: Table, workspace: string): Promise<boolean> {
  for (let shard = 0; shard < RUN_FEED_SHARDS; shard++) {
    for await (const { type } of itemsOf(table, { pk: runFeed(workspace, "0", shard) }))
      if (type !== RUN_GONE) return true;
  }
  return false;
}

/** Storage that was made for it is there from now on; what is left of another workspace's is not taken for it. */
function storageWrite({ name: workspace, storage, createdAt }: WorkspaceRecord): Write {
  if (storage === undefined) return { kind: "check", key: workspaceStorageKey(workspace), when: ABSENT };
  const record = { workspace, state: "there" as const, sinceMs: Date.parse(createdAt), places: storage };
  return { kind: "put", item: storageItem(record), when: [{ attr: "state", op: "eq", value: "making" }] };
}

const atRev = (rev: number): readonly Clause[] => [{ attr: "rev", op: "eq", value: rev }];

function toItem(record: WorkspaceRecord): Item {
  const { tags, retention, storage, ...rest } = record;
  const kept = JSON.parse(JSON.stringify({ retention, storage })) as Record<string, Value>;
  return { ...workspaceKey(record.name), ...rest, ...kept, tags: { ...tags }, type: "workspace", v: 1 };
}

function fromItem(item: Item): WorkspaceRecord {
  if (item.type !== "workspace" || item.v !== 1) {
    throw new AppError("Internal", `record \`${item.pk}\` / \`${item.sk}\` is no workspace of version 1`);
  }
  const { pk: _pk, sk: _sk, type: _type, v: _v, ...rest } = item;
  return rest as unknown as WorkspaceRecord;
}
