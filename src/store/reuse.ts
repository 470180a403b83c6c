import type { ReuseStore } from "../core/coordinator/reuse/look-up.ts";
import type { JobRecord } from "../core/jobs/record.ts";
import { isFinal } from "../core/jobs/state.ts";
import type { Table, Write } from "../core/ports/table.ts";
import { reuseKey } from "./facts/keys.ts";

/** Steps by their keys. */
export function openReuseStore({ table }: { readonly table: Table }): ReuseStore {
  return {
    async find(workspace, key) {
      const item = await table.get(reuseKey(workspace, key));
      return item === undefined ? undefined : String(item.job);
    },
  };
}

/** A step that ran and completed is found by its key from then on. */
export function reuseWrites(before: JobRecord, after: JobRecord): Write[] {
  const { reuse, workspace, name } = after;
  if (isFinal(before.status) || after.status !== "Completed" || reuse === undefined || "off" in reuse) return [];
  return [{ kind: "put", item: { ...reuseKey(workspace, reuse.key), type: "REUSE", v: 1, job: name } }];
}
