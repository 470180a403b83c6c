import type { Entry, Trash } from "../core/gc/ports.ts";
import { type Clause, type Item, PRESENT, type TransactResult, type Write } from "../core/ports/table.ts";
import { experimentKey, gcReceiptKey } from "./facts/keys.ts";
import { entryItem } from "./gc.ts";

/** What the trash's kinds of things share. `no`: the thing is not to be taken any more; `again`: somebody was faster. */
export type Step = "done" | "no" | "again";

export interface Mover {
  take(workspace: string, receipt: string, entry: Entry): Promise<Step>;
  giveBack: Trash["giveBack"];
  purge: Trash["purge"];
}

export const atRev = (item: Item): readonly Clause[] => [
  { attr: "rev", op: "eq", value: Number(item.rev) },
  { attr: "type", op: "eq", value: item.type },
];
export const put = (item: Item, when?: readonly Clause[]): Write => ({
  kind: "put",
  item,
  ...(when === undefined ? {} : { when }),
});
export const entryPut = (workspace: string, receipt: string, entry: Entry): Write =>
  put(entryItem(workspace, receipt, entry));

/** A receipt that is being restored takes nothing more. */
export const collecting = (workspace: string, receipt: string): Write => ({
  kind: "check",
  key: gcReceiptKey(workspace, receipt),
  when: [{ attr: "state", op: "eq", value: "collecting" }],
});

/** `again` only where the thing itself was changed by somebody faster. */
export function outcome(result: TransactResult): Step {
  if (result.ok) return "done";
  return result.failed.every(({ index, item }) => index === 0 && item !== undefined) ? "again" : "no";
}

/** A thing that is not deleted itself goes only while its experiment is. */
export function whileDeleted(workspace: string, experiment: string): Write {
  const when = [{ attr: "lifecycle", op: "eq", value: "deleted" }] as const;
  return { kind: "check", key: experimentKey(workspace, experiment), when };
}

/** The experiment that a thing comes back to; `Default` is made whenever it is looked for. */
export function mustHaveExperiment(workspace: string, id: string): Write[] {
  return id === "0" ? [] : [{ kind: "check", key: experimentKey(workspace, id), when: PRESENT }];
}
