import { ABSENT, type Item, type Table } from "../../../core/ports/table.ts";
import { hostedKey } from "../../../store/facts/keys.ts";

/** What is known of a replica set on Lambda: a function is asked how it is only until it can serve, since asking is paid for. */
export interface Hosted {
  /** The function's name. */
  readonly handle: string;
  readonly state: "starting" | "healthy" | "failed" | "stopping";
  readonly startedMs: number;
  /** Why it failed, or what it does just now. */
  readonly reason?: string;
  /** The model server's last words when it was asked last. */
  readonly log?: string;
  /** How often its process ended before it could say how it is. */
  readonly deaths: number;
  /** When requests under way have had their time. */
  readonly drainedMs?: number;
}

export interface HostedRecords {
  get(handle: string): Promise<Hosted | undefined>;
  /** Writes the first record of a handle; what is there already stays. */
  begin(record: Hosted): Promise<void>;
  put(record: Hosted): Promise<void>;
  delete(handle: string): Promise<void>;
}

/** One replica set has one holder at a time (the deployment's turn), so the last write counts. */
export function openHostedRecords(table: Table): HostedRecords {
  const itemOf = (record: Hosted): Item => ({ ...hostedKey(record.handle), type: "HOSTED", v: 1, ...record });
  return {
    async get(handle) {
      const item = await table.get(hostedKey(handle));
      if (item === undefined) return undefined;
      const { pk: _pk, sk: _sk, type: _type, v: _v, ...record } = item;
      return record as unknown as Hosted;
    },
    async begin(record) {
      await table.transact([{ kind: "put", item: itemOf(record), when: ABSENT }]);
    },
    async put(record) {
      await table.transact([{ kind: "put", item: itemOf(record) }]);
    },
    async delete(handle) {
      await table.transact([{ kind: "delete", key: hostedKey(handle) }]);
    },
  };
}
