import { AppError } from "../contract/errors.ts";
import type { CoordinationStore, CoordRecord, InboxRow } from "../core/coordinator/ports.ts";
import { ABSENT, type Item, type Table, type Value, type Write } from "../core/ports/table.ts";
import { deflateText, inflateText } from "./deflate.ts";
import { coordKey, INBOX_PREFIX, inboxKey } from "./facts/keys.ts";

/** States over this are kept deflated. */
const PLAIN_LIMIT = 4096;
const REMEMBERED = 10_000;

/**
 * State and inbox of composites, in the partition of their run. That effects were performed is remembered by this process alone where `remembers` is set:
 * another one performs them again, which changes nothing.
 */
export function openCoordinationStore(deps: {
  readonly table: Table;
  readonly remembers?: boolean;
}): CoordinationStore {
  const { table, remembers = false } = deps;
  const performed = new Map<string, number>();
  const idOf = (workspace: string, job: string): string => `${workspace} ${job}`;

  return {
    async read(workspace, job) {
      const item = await table.get(coordKey(workspace, job));
      if (item === undefined) return undefined;
      const record = await recordOf(item);
      return performed.get(idOf(workspace, job)) === record.rev ? { ...record, pending: [] } : record;
    },
    async inbox(workspace, job, limit) {
      const { pk } = coordKey(workspace, job);
      const page = await table.query({ pk, sk: { prefix: INBOX_PREFIX }, limit });
      return page.items.map(
        ({ sk, event }) => ({ cause: sk.slice(INBOX_PREFIX.length), event }) as unknown as InboxRow,
      );
    },
    async tell(workspace, job, row) {
      await table.transact([{ ...inboxWrite(workspace, job, row), when: ABSENT }]);
    },
    async decide({ workspace, job }, before, after, folded) {
      const result = await table.transact([
        {
          kind: "put",
          item: await itemOf(workspace, job, after),
          when: before === 0 ? ABSENT : [{ attr: "rev", op: "eq", value: before }],
        },
        ...folded.map((cause): Write => ({ kind: "delete", key: inboxKey(workspace, job, cause) })),
      ]);
      return result.ok;
    },
    async performed(workspace, job, rev) {
      if (remembers) {
        if (performed.size > REMEMBERED) performed.clear();
        performed.set(idOf(workspace, job), rev);
        return;
      }
      await table.transact([
        {
          kind: "update",
          key: coordKey(workspace, job),
          set: { pending: "[]" },
          remove: ["pendingDeflated"],
          when: [{ attr: "rev", op: "eq", value: rev }],
        },
      ]);
    },
  };
}

/** A row of a composite's inbox, for the transaction in which it happens. */
export function inboxWrite(workspace: string, job: string, row: InboxRow): Write & { readonly kind: "put" } {
  const item = { ...inboxKey(workspace, job, row.cause), type: "INBOX", v: 1, event: row.event as unknown as Value };
  return { kind: "put", item };
}

async function itemOf(workspace: string, job: string, record: CoordRecord): Promise<Item> {
  const state = JSON.stringify(record.state);
  const pending = JSON.stringify(record.pending);
  return {
    ...coordKey(workspace, job),
    type: "COORD",
    v: 1,
    rev: record.rev,
    ...(state.length > PLAIN_LIMIT ? { deflated: await deflateText(state) } : { state }),
    ...(pending.length > PLAIN_LIMIT ? { pendingDeflated: await deflateText(pending) } : { pending }),
  };
}

async function recordOf(item: Item): Promise<CoordRecord> {
  if (item.type !== "COORD" || item.v !== 1) {
    throw new AppError("Internal", `item \`${item.pk}\` is not the state of a composite job of a known shape`);
  }
  return {
    rev: Number(item.rev),
    state: JSON.parse(await textOf(item.state, item.deflated)),
    pending: JSON.parse(await textOf(item.pending, item.pendingDeflated)),
  };
}

async function textOf(plain: Item[string], deflated: Item[string]): Promise<string> {
  if (typeof plain === "string") return plain;
  if (deflated instanceof Uint8Array) return inflateText(deflated);
  return "[]";
}
