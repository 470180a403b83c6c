import type { Clock } from "../core/ports/clock.ts";
import type { Clause, Table } from "../core/ports/table.ts";
import { turnKey } from "./facts/keys.ts";

/** Longer than any function that takes a turn may run; a turn whose taker died ends by itself then. */
const TURN_MS = 120_000;
const TRIES = 20;

export interface Turns {
  /**
   * Does work that must not overlap with other work of the same name, in whichever process. When somebody is at it already, they do it once more
   * instead, and this returns at once.
   */
  take(name: string, work: () => Promise<void>): Promise<void>;
}

/** Turns as records: `again` asks whoever has the turn for another round. */
export function openTurns(deps: { readonly table: Table; readonly clock: Clock; readonly newId: () => string }): Turns {
  const { table, clock, newId } = deps;

  async function begin(name: string, mine: string): Promise<boolean> {
    for (let i = 0; i < TRIES; i++) {
      const nowMs = clock.now();
      const key = turnKey(name);
      const item = await table.get(key);
      if (item === undefined || Number(item.untilMs) <= nowMs) {
        const untilMs = nowMs + TURN_MS;
        const turn = { ...key, type: "TURN", v: 1, holder: mine, untilMs, again: false, expires: expiry(untilMs) };
        const when: readonly Clause[] =
          item === undefined
            ? [{ attr: "pk", op: "absent" }]
            : [
                { attr: "holder", op: "eq", value: String(item.holder) },
                { attr: "untilMs", op: "le", value: nowMs },
              ];
        if ((await table.transact([{ kind: "put", item: turn, when }])).ok) return true;
      } else {
        const when: readonly Clause[] = [{ attr: "holder", op: "eq", value: String(item.holder) }];
        if ((await table.transact([{ kind: "update", key, set: { again: true }, when }])).ok) return false;
      }
    }
    // So many takers at once: each of them looks after what this one wanted.
    return false;
  }

  /** False: another round is asked for. */
  async function end(name: string, mine: string): Promise<boolean> {
    const key = turnKey(name);
    const own: Clause = { attr: "holder", op: "eq", value: mine };
    const done = await table.transact([
      { kind: "delete", key, when: [own, { attr: "again", op: "eq", value: false }] },
    ]);
    if (done.ok) return true;
    const untilMs = clock.now() + TURN_MS;
    const set = { again: false, untilMs, expires: expiry(untilMs) };
    // Not ours any more: whoever has it now looks.
    return !(await table.transact([{ kind: "update", key, set, when: [own] }])).ok;
  }

  return {
    async take(name, work) {
      const mine = newId();
      if (!(await begin(name, mine))) return;
      try {
        do await work();
        while (!(await end(name, mine)));
      } catch (error) {
        // Whoever tries again must not wait for the time to run out.
        await table.transact([
          { kind: "delete", key: turnKey(name), when: [{ attr: "holder", op: "eq", value: mine }] },
        ]);
        throw error;
      }
    },
  };
}

function expiry(untilMs: number): number {
  return Math.ceil(untilMs / 1000) + 3600;
}
