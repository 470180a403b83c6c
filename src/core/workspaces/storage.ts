import { AppError } from "../../contract/errors.ts";
import type { StorageSpec } from "../../contract/workspaces.ts";
import type { Clock } from "../ports/clock.ts";
import type { Place, Places, Storage } from "../ports/storage.ts";
import type { StorageRecord, StorageStore, WorkspaceRecord, WorkspaceStore } from "./ports.ts";

export interface StorageDeps {
  /** Absent: every workspace uses the home's. */
  readonly storage?: Storage;
  readonly storages: StorageStore;
  readonly clock: Clock;
}

/** Longer than any process takes to make storage: what is `making` then was cut short. */
const CUT_SHORT_MS = 5 * 60_000;
/** Longer than any process goes on using what it knew of a workspace's storage. */
const FREED_MS = 60_000;

/**
 * Storage of a workspace that is to be made, ready to be used; undefined where the home's will do. What fails leaves nothing behind. The workspace's record takes
 * it over (`WorkspaceStore.put`), or `freeStorage` takes it away.
 */
export async function makeStorage(
  deps: StorageDeps,
  workspace: string,
  spec: StorageSpec | undefined,
): Promise<Places | undefined> {
  const { storage, storages, clock } = deps;
  const standing = storage === undefined ? undefined : await makeWay(deps, workspace);
  if (spec === undefined || Object.keys(spec).length === 0) return undefined;
  if (storage === undefined) {
    throw new AppError(
      "NotSupported",
      "this home keeps its workspaces in its own folder; `storage` is the AWS home's",
      {
        hint: "leave `storage` out",
      },
    );
  }
  let record: StorageRecord = { workspace, state: "making", sinceMs: clock.now(), places: {} };
  const note = async (next: StorageRecord, before: StorageRecord | undefined) => {
    if (!(await storages.put(next, before))) throw busy(workspace);
    record = next;
  };
  await note(record, standing);
  try {
    const places = await storage.make(workspace, spec, (made) => note({ ...record, places: made }, record));
    // Who read it a moment ago knows nothing of a bucket that was named later.
    await note({ ...record, places, sinceMs: clock.now() }, record);
    await storage.check(workspace, places);
    await storage.settle(record.sinceMs);
    return places;
  } catch (error) {
    // What can't be freed now is by a later round; why it was to be is the better answer.
    await freeStorage(deps, workspace).catch(() => undefined);
    throw error;
  }
}

/** Takes away what was made for a workspace that is not there; what was adopted stays as it is. */
export async function freeStorage(deps: StorageDeps, workspace: string): Promise<void> {
  const { storage, storages, clock } = deps;
  const record = storage === undefined ? undefined : await storages.get(workspace);
  if (storage === undefined || record === undefined || record.state === "freed") return;
  await storage.free(workspace, record.places);
  await storages.put({ workspace, state: "freed", sinceMs: clock.now(), places: {} }, record);
}

/** Goes on with what was cut short: storage of workspaces that are gone, or never came to be. One that can't be freed holds up no other; the first such error is thrown at the end. */
export async function freeLeftStorage(deps: StorageDeps & { readonly workspaces: WorkspaceStore }): Promise<void> {
  const { storage, storages, workspaces, clock } = deps;
  if (storage === undefined) return;
  const failures: unknown[] = [];
  for (const record of await storages.list()) {
    const { workspace, state, sinceMs } = record;
    const ageMs = clock.now() - sinceMs;
    if (state === "freed") {
      if (ageMs > FREED_MS) await storages.delete(record);
    } else if (state === "making" && ageMs < CUT_SHORT_MS) continue;
    else if ((await workspaces.get(workspace)) === undefined && !(await workspaces.needsPurge(workspace)))
      await freeStorage(deps, workspace).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** Throws Conflict for other storage than a workspace has. */
export function mustBeAsked({ name, storage = {} }: WorkspaceRecord, spec: StorageSpec | undefined): void {
  if (spec === undefined) return;
  const isSame = (["bucket", "key", "secret", "repository"] as const).every((what) =>
    isAsked(storage[what], spec[what]),
  );
  if (isSame) return;
  throw new AppError("Conflict", `workspace \`${name}\` keeps the storage that it was made with`, {
    hint: "make another workspace with that storage, and move what is in this one: `yard export`, `yard import`",
  });
}

function isAsked(place: Place | undefined, asked: string | undefined): boolean {
  if (place === undefined || asked === undefined) return place === asked;
  return asked === (place.isOwn ? "own" : place.arn);
}

/** What another workspace of this name has left is gone, or goes now; answers what is still on record. Throws Conflict for what is in use. */
async function makeWay(deps: StorageDeps, workspace: string): Promise<StorageRecord | undefined> {
  const { storages, clock } = deps;
  const record = await storages.get(workspace);
  if (record === undefined) return undefined;
  const ageMs = clock.now() - record.sinceMs;
  if (record.state === "freed" && ageMs > FREED_MS) {
    await storages.delete(record);
    return undefined;
  }
  if (record.state === "making" && ageMs > CUT_SHORT_MS) await freeStorage(deps, workspace);
  throw busy(workspace);
}

function busy(workspace: string): AppError {
  return new AppError("Conflict", `storage of a workspace \`${workspace}\` is being made or freed`, {
    hint: "try again in a minute or two, or take another name",
  });
}
