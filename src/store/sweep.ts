import { mapLimited, readAll } from "../core/files/streams.ts";
import type { Claim, Doomed, SweepStore } from "../core/gc/ports.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Objects } from "../core/ports/objects.ts";
import { ABSENT, type Item, PRESENT, type Table } from "../core/ports/table.ts";
import { treeObjectKey } from "../core/trees/keys.ts";
import { gcClaimKey, gcSweepKey, treeKey } from "./facts/keys.ts";

const WIDTH = 32;
/** Claims mean something while their sweep is under way; each is kept some days beyond, then vanishes. */
const CLAIM_LIFE_MS = 60 * 86_400_000;

interface Deps {
  readonly table: Table;
  readonly objects: Objects;
  readonly clock: Clock;
}

export function openSweepStore(deps: Deps): SweepStore {
  const { table, objects } = deps;

  async function mark(workspace: string, id: string, receipt: string | undefined): Promise<void> {
    const key = treeKey(workspace, id);
    const change = receipt === undefined ? { remove: ["doomed"] } : { set: { doomed: receipt } };
    await table.transact([{ kind: "update", key, ...change, when: PRESENT }]);
  }

  return {
    async begin(workspace, receipt, doomed) {
      const key = gcSweepKey(workspace);
      const standing = await table.get(key);
      if (standing !== undefined && standing.receipt !== receipt) return false;
      // The list is complete before anybody can be told of it; begun again after a crash, the first one holds.
      const list = new TextEncoder().encode(JSON.stringify(doomed));
      await objects.put(listKey(workspace, receipt), list, { ifAbsent: true });
      const { ok } = await table.transact([
        {
          kind: "put",
          item: { ...key, type: "GC-SWEEP", v: 1, receipt },
          when: standing === undefined ? ABSENT : [{ attr: "receipt", op: "eq", value: receipt }],
        },
      ]);
      if (!ok) return false;
      const { trees } = await readList(objects, workspace, receipt);
      await mapLimited(trees, WIDTH, ([id]) => mark(workspace, id, receipt));
      return true;
    },
    async doomed(workspace, receipt) {
      const standing = await table.get(gcSweepKey(workspace));
      return standing?.receipt === receipt ? readList(objects, workspace, receipt) : undefined;
    },
    async free(workspace, receipt, names) {
      const claims = await mapLimited(names, WIDTH, (name) => claim(deps, workspace, receipt, name, "freed"));
      return names.filter((_, i) => claims[i] !== "kept");
    },
    async gone(workspace, receipt, names) {
      await mapLimited(names, WIDTH, (name) =>
        table.transact([{ kind: "put", item: claimItem(deps, workspace, receipt, name, "gone") }]),
      );
    },
    async removeTree(workspace, id) {
      await table.transact([{ kind: "delete", key: treeKey(workspace, id) }]);
      await objects.delete([treeObjectKey(workspace, id)]);
    },
    async end(workspace, receipt) {
      const standing = await table.get(gcSweepKey(workspace));
      if (standing?.receipt !== receipt) return;
      const { trees } = await readList(objects, workspace, receipt);
      await mapLimited(trees, WIDTH, ([id]) => mark(workspace, id, undefined));
      await table.transact([
        { kind: "delete", key: gcSweepKey(workspace), when: [{ attr: "receipt", op: "eq", value: receipt }] },
      ]);
      await objects.delete([listKey(workspace, receipt)]);
    },
  };
}

/**
 * Keeps names that are about to be used from the sweep under way, in the order given. Answers those that it is freeing at this moment: they can be had
 * again when it has, and by nobody before.
 */
export function makeKeep(deps: Deps): (workspace: string, names: readonly string[]) => Promise<readonly string[]> {
  let list: { readonly key: string; readonly names: ReadonlySet<string> } | undefined;
  return async (workspace, names) => {
    const sweep = await deps.table.get(gcSweepKey(workspace));
    if (sweep === undefined) return [];
    const receipt = String(sweep.receipt);
    const key = listKey(workspace, receipt);
    if (list?.key !== key) {
      const { trees, blobs } = await readList(deps.objects, workspace, receipt);
      list = { key, names: new Set([...trees, ...blobs].map(([name]) => name)) };
    }
    const known = list.names;
    const listed = [...new Set(names)].filter((name) => known.has(name));
    const claims = await mapLimited(listed, WIDTH, (name) => claim(deps, workspace, receipt, name, "kept"));
    return listed.filter((_, i) => claims[i] === "freed");
  };
}

/** The claim that stands: the first one made, and for freeing the sweep's own again. */
async function claim(
  deps: Deps,
  workspace: string,
  receipt: string,
  name: string,
  wanted: "kept" | "freed",
): Promise<Claim> {
  const item = claimItem(deps, workspace, receipt, name, wanted);
  const result = await deps.table.transact([{ kind: "put", item, when: ABSENT }]);
  return result.ok ? wanted : ((result.failed[0]?.item?.state ?? wanted) as Claim);
}

function claimItem(deps: Deps, workspace: string, receipt: string, name: string, state: Claim): Item {
  const expires = Math.floor((deps.clock.now() + CLAIM_LIFE_MS) / 1000);
  return { ...gcClaimKey(workspace, receipt, name), type: "GC-CLAIM", v: 1, state, expires };
}

function listKey(workspace: string, receipt: string): string {
  return `ws/${workspace}/gc/${receipt}.json`;
}

/** Empty where the sweep ended meanwhile. */
async function readList(objects: Objects, workspace: string, receipt: string): Promise<Doomed> {
  const found = await objects.get(listKey(workspace, receipt));
  if (found === undefined) return { trees: [], blobs: [] };
  return JSON.parse(new TextDecoder().decode(await readAll(found.body))) as Doomed;
}
