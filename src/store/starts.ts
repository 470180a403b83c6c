import type { StartStore } from "../core/jobs/start-attempt.ts";
import { ABSENT, type Table } from "../core/ports/table.ts";
import { startKey } from "./facts/keys.ts";

/** Who started which attempt; part of the run, gone with it. */
export function openStartStore({ table }: { readonly table: Table }): StartStore {
  return {
    async claim({ workspace, run, attempt, node, starter }) {
      const item = { ...startKey(workspace, run, attempt, node), type: "start", v: 1, starter };
      const result = await table.transact([{ kind: "put", item, when: ABSENT }]);
      return result.ok || result.failed[0]?.item?.starter === starter;
    },
  };
}
