import { isAppError } from "../../../contract/errors.ts";
import type { Place, Storage } from "../../../core/ports/storage.ts";
import type { StorageRecord, StorageStore } from "../../../core/workspaces/ports.ts";
import type { Drainer } from "./drain.ts";

/** What workspaces have that is not the home's, in words. */
export function placesIn(records: readonly StorageRecord[]): readonly string[] {
  return records.flatMap(({ workspace, places }) =>
    Object.entries(places as Readonly<Record<string, Place>>).map(
      ([what, { arn, isOwn }]) => `${isOwn ? "" : "adopted "}${what} ${arn} of workspace ${workspace}`,
    ),
  );
}

/** Frees what was made for workspaces; keys and secrets are gone a week later. */
export function storageDrainer(options: {
  readonly storages: Pick<StorageStore, "list">;
  readonly storage: Pick<Storage, "free">;
}): Drainer {
  const done = new Set<string>();
  return {
    async step() {
      const left: string[] = [];
      for (const { workspace, places } of await options.storages.list()) {
        if (done.has(workspace)) continue;
        try {
          await options.storage.free(workspace, places);
          done.add(workspace);
        } catch (error) {
          if (!isAppError(error) || error.code !== "Unavailable") throw error;
          left.push(`storage of workspace ${workspace}`);
        }
      }
      return left;
    },
  };
}
