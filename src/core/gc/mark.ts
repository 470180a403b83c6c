import { mapLimited } from "../files/streams.ts";
import { blobsOf } from "../trees/keys.ts";
import { type GcDeps, objectsBelow } from "./deps.ts";
import { assetVersions, revisionsInUse } from "./holds.ts";
import type { Doomed } from "./ports.ts";

const WIDTH = 16;
const JOBS_PAGE = 500;

/** Trees that no record names and blobs that no living tree names, each old enough for nobody to be about to name it. */
export async function findDoomed(deps: GcDeps, workspace: string, olderThanMs: number): Promise<Doomed> {
  const until = deps.clock.now() - Math.max(deps.limits.youngMs, olderThanMs);
  const named = await namedHashes(deps, workspace);
  const trees: (readonly [string, number])[] = [];
  const living: string[] = [];
  for await (const { key, sizeBytes, modifiedMs } of objectsBelow(deps.objects, `ws/${workspace}/trees/`)) {
    const id = hashIn(key);
    if (named.has(id) || modifiedMs > until) living.push(id);
    else trees.push([id, sizeBytes]);
  }
  const used = await blobsOfTrees(deps, workspace, living);
  const blobs: (readonly [string, number])[] = [];
  for await (const { key, sizeBytes, modifiedMs } of objectsBelow(deps.objects, `ws/${workspace}/blobs/`)) {
    if (modifiedMs <= until && !used.has(hashIn(key))) blobs.push([hashIn(key), sizeBytes]);
  }
  return { trees, blobs };
}

/** What of a list that was published long ago is still named by nothing, all that was made since seen. */
export async function stillDoomed(deps: GcDeps, workspace: string, doomed: Doomed): Promise<Doomed> {
  const named = await namedHashes(deps, workspace);
  const trees = doomed.trees.filter(([id]) => !named.has(id));
  const dead = new Set(trees.map(([id]) => id));
  const living: string[] = [];
  for await (const { key } of objectsBelow(deps.objects, `ws/${workspace}/trees/`)) {
    if (!dead.has(hashIn(key))) living.push(hashIn(key));
  }
  const used = await blobsOfTrees(deps, workspace, living);
  return { trees, blobs: doomed.blobs.filter(([sha256]) => !used.has(sha256)) };
}

/** Every text of 64 hexadecimal digits in a record is taken for the id of a tree: too many live, never too few. */
async function namedHashes(deps: GcDeps, workspace: string): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  const add = (record: object): void => {
    for (const [hash] of JSON.stringify(record).matchAll(/[0-9a-f]{64}/g)) named.add(hash);
  };
  for (const kind of ["data", "environment", "component"] as const) {
    for await (const version of assetVersions(deps, workspace, kind)) add(version);
  }
  for (const model of await deps.models.list(workspace))
    for (const each of await deps.models.versions(model)) add(each);
  for await (const revision of revisionsInUse(deps, workspace)) add(revision);
  let cursor: string | undefined;
  do {
    const page = await deps.jobs.records({
      workspace,
      limit: JOBS_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const job of page.jobs) add(job);
    cursor = page.cursor;
  } while (cursor !== undefined);
  for await (const template of templatesOf(deps, workspace)) add(template);
  return named;
}

/** What schedules will submit. */
async function* templatesOf({ schedules }: GcDeps, workspace: string): AsyncGenerator<object> {
  let cursor: string | undefined;
  do {
    const page = await schedules.list(workspace, { limit: JOBS_PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const { name } of page.items) yield (await schedules.template(workspace, name)) ?? {};
    cursor = page.cursor;
  } while (cursor !== undefined);
}

async function blobsOfTrees(deps: GcDeps, workspace: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  await mapLimited(ids, WIDTH, async (id) => {
    const tree = await deps.trees.read(workspace, id);
    for (const sha256 of blobsOf(tree?.entries ?? [])) used.add(sha256);
  });
  return used;
}

/** `…/trees/<id>.json`, `…/blobs/ab/<sha256>` -> the hash. */
function hashIn(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1).replace(/\.json$/, "");
}
