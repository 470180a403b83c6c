import type { StartStore } from "../core/jobs/start-attempt.ts";
import { ABSENT, type Item, type Table } from "../core/ports/table.ts";
import { arrayKey, startKey } from "./facts/keys.ts";

/** Who started which attempt; part of the run, gone with it. */
export function openStartStore({ table }: { readonly table: Table }): StartStore {
  return {
    async claim({ workspace, run, attempt, node, starter }) {
      const item = { ...startKey(workspace, run, attempt, node), type: "start", v: 1, starter };
      const result = await table.transact([{ kind: "put", item, when: ABSENT }]);
      return result.ok || result.failed[0]?.item?.starter === starter;
    },
    async keepArray({ workspace, run, id }, attempts) {
      const item = { ...arrayKey(workspace, run, id), type: "array", v: 1, attempts: [...attempts] };
      const result = await table.transact([{ kind: "put", item, when: ABSENT }]);
      return result.ok ? attempts : attemptsOf(result.failed[0]?.item);
    },
    async array({ workspace, run, id }) {
      const item = await table.get(arrayKey(workspace, run, id));
      return item === undefined ? undefined : attemptsOf(item);
    },
  };
}

function attemptsOf(item: Item | undefined): readonly string[] {
  return Array.isArray(item?.attempts) ? item.attempts.map(String) : [];
}
