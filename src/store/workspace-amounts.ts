import { DEFAULT_DATASTORE } from "../contract/datastores.ts";
import type { AssetKind } from "../core/assets/ports.ts";
import type { Item, Query, Table } from "../core/ports/table.ts";
import type { Amount } from "../core/workspaces/ports.ts";
import {
  assetNames,
  datastoreList,
  experimentList,
  gcList,
  jobList,
  memberList,
  modelList,
  RUN_FEED_SHARDS,
  runFeed,
} from "./facts/keys.ts";
import { itemsOf } from "./partitions.ts";
import { RUN_GONE } from "./runs.ts";

const LIMIT = 1000;
const KINDS: readonly (readonly [AssetKind, string])[] = [
  ["data", "data assets"],
  ["environment", "environments"],
  ["component", "components"],
];

/** What a workspace has beyond what it was made with, each kind counted up to a thousand. */
export async function amountsIn(table: Table, workspace: string): Promise<readonly Amount[]> {
  const experiments: string[] = [];
  for await (const { id } of itemsOf(table, { pk: experimentList(workspace), sk: { prefix: "E#" } }))
    if (experiments.length < LIMIT) experiments.push(String(id));
  const feeds = ["0", ...experiments.filter((id) => id !== "0")].flatMap((id) =>
    Array.from({ length: RUN_FEED_SHARDS }, (_, shard): Query => ({ pk: runFeed(workspace, id, shard) })),
  );
  const amounts = [
    await count(table, "jobs", [{ index: "gsi1", pk: jobList(workspace) }]),
    await count(table, "runs", feeds, ({ type }) => type !== RUN_GONE),
    await count(
      table,
      "experiments",
      [{ pk: experimentList(workspace), sk: { prefix: "E#" } }],
      ({ id }) => id !== "0",
    ),
    await count(table, "registered models", [{ pk: modelList(workspace) }]),
    ...(await Promise.all(
      KINDS.map(([kind, words]) =>
        count(
          table,
          words,
          [{ index: "gsi1", pk: assetNames(workspace, kind) }],
          ({ isCurated }) => isCurated !== true,
        ),
      ),
    )),
    await count(table, "datastores", [{ pk: datastoreList(workspace) }], ({ sk }) => sk !== DEFAULT_DATASTORE),
    await count(table, "members", [{ pk: memberList(workspace) }]),
    await count(table, "receipts of gc", [{ pk: gcList(workspace) }]),
  ];
  return amounts.filter(({ count }) => count > 0);
}

async function count(
  table: Table,
  what: string,
  queries: readonly Query[],
  counts: (item: Item) => boolean = () => true,
): Promise<Amount> {
  let found = 0;
  for (const query of queries) {
    for await (const item of itemsOf(table, query)) {
      if (!counts(item)) continue;
      if (found === LIMIT) return { what, count: found, isMore: true };
      found += 1;
    }
  }
  return { what, count: found, isMore: false };
}
