import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type {
  AssetFilter,
  AssetHead,
  AssetKind,
  AssetPage,
  AssetStep,
  AssetStore,
  AssetVersion,
} from "../core/assets/ports.ts";
import { ABSENT, type Item, type Key, type Table, type Write } from "../core/ports/table.ts";
import { checkItem } from "../core/ports/table-rules.ts";
import {
  ASSET_ORDER_PREFIX,
  assetHeadKey,
  assetNames,
  assetOrderKey,
  assetPartition,
  assetVersionKey,
} from "./facts/keys.ts";

const TRIES = 200;
/** Records read for one page at most, so that a filter which matches nothing still answers soon, with a cursor. */
const READ_LIMIT = 5000;
const READ_AT_ONCE = 250;
/** A version that is smaller stands in its place in the order too: a query reads eight of them at the price of one. */
const LISTED_BYTES = 3000;

interface Named {
  readonly workspace: string;
  readonly kind: AssetKind;
  readonly name: string;
}

/** Each name is a partition: HEAD with its counters and labels, `V#` the versions, `N#` their order, with a copy of those that are small. Every write is conditional on the head's revision. */
export function openAssetStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): AssetStore {
  const { table } = deps;
  const inTurn = makeTurns();

  const readHead = async (named: Named): Promise<AssetHead | undefined> => {
    const item = await table.get(assetHeadKey(named.workspace, named.kind, named.name));
    return item === undefined ? undefined : headOf(item);
  };

  async function tryChange<T>(
    named: Named,
    decide: (head: AssetHead | undefined) => Promise<AssetStep<T>>,
  ): Promise<T> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const head = await readHead(named);
      const { answer, write } = await decide(head);
      if (write === undefined) return answer;
      const { ok } = await table.transact(writesOf(deps.activity, named, head, write));
      if (ok) return answer;
    }
    throw new AppError("Unavailable", `\`${named.name}\` could not be changed: too many writers at once`);
  }

  return {
    head: (workspace, kind, name) => readHead({ workspace, kind, name }),
    async version(workspace, kind, name, version) {
      const item = await table.get(assetVersionKey(workspace, kind, name, version));
      return item === undefined ? undefined : versionOf(item);
    },
    heads: (workspace, kind, { filter, limit, cursor }) =>
      readFiltered(limit, checkName(cursor), async (after, count) => {
        const page = await table.query({
          index: "gsi1",
          pk: assetNames(workspace, kind),
          limit: count,
          ...(after === undefined ? {} : { sk: { from: after } }),
        });
        const heads = page.items.map(headOf).filter((head) => head.name !== after);
        return {
          more: page.cursor !== undefined,
          rows: heads.map((item) => ({ item, position: item.name, fits: fits(item, filter) })),
        };
      }),
    versions: (workspace, kind, name, { filter, limit, cursor }) =>
      readFiltered(limit, cursor, async (after, count) => {
        const page = await table.query({
          pk: assetPartition(workspace, kind, name),
          sk: boundsBefore(workspace, kind, name, after),
          reverse: true,
          limit: count,
        });
        const [listed, others] = [page.items.filter(isListed), page.items.filter((item) => !isListed(item))];
        const keys = others.map((item) => assetVersionKey(workspace, kind, name, String(item.version)));
        const read = keys.length === 0 ? [] : await table.batchGet(keys);
        const versions = [...listed.map(contentOf), ...read.map(versionOf)].sort((a, b) => b.seq - a.seq);
        return {
          more: page.cursor !== undefined,
          rows: versions.map((item) => ({ item, position: String(item.seq), fits: fits(item, filter) })),
        };
      }),
    change: (workspace, kind, name, decide) =>
      inTurn(assetPartition(workspace, kind, name), () => tryChange({ workspace, kind, name }, decide)),
  };
}

/** Cursors of lists of names are names. */
function checkName(cursor: string | undefined): string | undefined {
  if (cursor === undefined || /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(cursor)) return cursor;
  throw new AppError("InvalidCursor", "the cursor is not one of this list");
}

/** Sort keys of the order items made before `after` (a `seq`); all of them without. */
function boundsBefore(workspace: string, kind: AssetKind, name: string, after: string | undefined) {
  if (after === undefined) return { prefix: ASSET_ORDER_PREFIX };
  if (!/^\d{1,15}$/.test(after)) throw new AppError("InvalidCursor", "the cursor is not one of this list");
  const key = (seq: number) => assetOrderKey(workspace, kind, name, seq).sk;
  return { from: key(0), to: key(Math.max(0, Number(after) - 1)) };
}

interface Row<T> {
  readonly item: T;
  readonly position: string;
  readonly fits: boolean;
}

/** Reads on behind a position until a page is full, no more at first than fill it; the cursor is the position of the last row looked at. */
async function readFiltered<T>(
  limit: number,
  cursor: string | undefined,
  readAfter: (
    position: string | undefined,
    count: number,
  ) => Promise<{ readonly more: boolean; readonly rows: readonly Row<T>[] }>,
): Promise<AssetPage<T>> {
  const items: T[] = [];
  let position = cursor;
  // One more tells whether there is a next page; a list of names begins with the one it goes on from.
  let count = Math.min(limit + 2, READ_AT_ONCE);
  for (let read = 0; read < READ_LIMIT; read += count, count = READ_AT_ONCE) {
    const { more, rows } = await readAfter(position, count);
    for (const row of rows) {
      if (row.fits && items.length === limit) return { items, ...(position === undefined ? {} : { cursor: position }) };
      if (row.fits) items.push(row.item);
      position = row.position;
    }
    if (!more) return { items };
  }
  return { items, ...(position === undefined ? {} : { cursor: position }) };
}

function fits(
  asset: { readonly archived: boolean; readonly tags: Readonly<Record<string, string>> },
  filter: AssetFilter,
): boolean {
  if (filter.archived !== "all" && asset.archived !== (filter.archived === "true")) return false;
  if (filter.tag === undefined) return true;
  if (Object.hasOwn(asset.tags, filter.tag)) return true;
  const [key = "", ...value] = filter.tag.split("=");
  return value.length > 0 && Object.hasOwn(asset.tags, key) && asset.tags[key] === value.join("=");
}

function writesOf(
  activity: ActivityWrite,
  { workspace, kind, name }: Named,
  before: AssetHead | undefined,
  write: NonNullable<AssetStep<unknown>["write"]>,
): readonly Write[] {
  const head: AssetHead = { ...write.head, rev: (before?.rev ?? 0) + 1 };
  const writes: Write[] = [
    {
      kind: "put",
      item: headItem(workspace, kind, head),
      when: before === undefined ? ABSENT : [{ attr: "rev", op: "eq", value: before.rev }],
    },
    activity({ workspace, resource: kind, ...write.activity }),
  ];
  if (write.put !== undefined) {
    const item = versionItem(workspace, kind, write.put);
    writes.push(
      { kind: "put", item },
      { kind: "put", item: orderItem(assetOrderKey(workspace, kind, name, write.put.seq), item) },
    );
  }
  if (write.delete !== undefined) {
    const { version, seq } = write.delete;
    writes.push({ kind: "delete", key: assetVersionKey(workspace, kind, name, version) });
    writes.push({ kind: "delete", key: assetOrderKey(workspace, kind, name, seq) });
  }
  return writes;
}

/** A name without versions keeps its counters but is in no list. */
function headItem(workspace: string, kind: AssetKind, head: AssetHead): Item {
  const { type, tags, labels, ...rest } = head;
  return {
    ...assetHeadKey(workspace, kind, head.name),
    ...(head.latest === undefined ? {} : { gsi1pk: assetNames(workspace, kind), gsi1sk: head.name }),
    ...rest,
    tags: { ...tags },
    labels: { ...labels },
    ...(type === undefined ? {} : { assetType: type }),
    type: "asset-head",
    v: 1,
  };
}

function headOf(item: Item): AssetHead {
  if (item.type !== "asset-head" || item.v !== 1) throw badItem(item);
  const { pk: _pk, sk: _sk, v: _v, gsi1pk: _gsi1pk, gsi1sk: _gsi1sk, type: _type, assetType, ...rest } = item;
  const head = rest as unknown as AssetHead;
  return typeof assetType === "string" ? { ...head, type: assetType } : head;
}

function versionItem(workspace: string, kind: AssetKind, asset: AssetVersion): Item {
  const { type, tags, properties, body, ...rest } = asset;
  return {
    ...assetVersionKey(workspace, kind, asset.name, asset.version),
    ...rest,
    tags: { ...tags },
    properties: { ...properties },
    body: { ...body },
    ...(type === undefined ? {} : { assetType: type }),
    type: "asset-version",
    v: 1,
  };
}

/** A version's place in the order. In version 2 of its shape it holds the version itself. */
function orderItem(key: Key, item: Item): Item {
  return checkItem(item) > LISTED_BYTES
    ? { ...key, type: "asset-order", v: 1, version: item.version }
    : { ...item, ...key, type: "asset-order", v: 2 };
}

function isListed({ type, v }: Item): boolean {
  return type === "asset-order" && v === 2;
}

function versionOf(item: Item): AssetVersion {
  if (item.type !== "asset-version" || item.v !== 1) throw badItem(item);
  return contentOf(item);
}

function contentOf(item: Item): AssetVersion {
  const { pk: _pk, sk: _sk, v: _v, type: _type, assetType, ...rest } = item;
  const asset = rest as unknown as AssetVersion;
  return typeof assetType === "string" ? { ...asset, type: assetType } : asset;
}

function badItem(item: Item): AppError {
  return new AppError("Internal", `record \`${item.pk}\` / \`${item.sk}\` is no asset of version 1`);
}

/** Writers of one name in this process wait for each other instead of losing to each other. */
function makeTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const before = last.get(key);
    const mine = (before ?? Promise.resolve()).then(work, work);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
