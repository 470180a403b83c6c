import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { BatchEndpointRecord, BatchEndpointStore } from "../core/batch-endpoints/ports.ts";
import type { Deed } from "../core/jobs/ports.ts";
import { ABSENT, type Clause, type Item, type Table, type Value, type Write } from "../core/ports/table.ts";
import { batchEndpointKey, batchEndpointList } from "./facts/keys.ts";

/** Batch endpoints over the record store. */
export function openBatchEndpointStore(deps: {
  readonly table: Table;
  readonly activity: ActivityWrite;
}): BatchEndpointStore {
  const { table, activity } = deps;
  const deedOf = ({ workspace, name }: BatchEndpointRecord, deed: Deed): Write =>
    activity({ workspace, resource: "batch-endpoint", name, ...deed });
  return {
    async get(workspace, name) {
      const item = await table.get(batchEndpointKey(workspace, name));
      return item === undefined ? undefined : recordOf(item);
    },
    async list(workspace, { limit, cursor }) {
      const pk = batchEndpointList(workspace);
      const page = await table.query({ pk, limit, ...(cursor === undefined ? {} : { cursor }) });
      return { items: page.items.map(recordOf), ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },
    async put(record, expectedRev, deed) {
      const when = expectedRev === 0 ? ABSENT : atRev(expectedRev);
      return (await table.transact([{ kind: "put", item: itemOf(record), when }, deedOf(record, deed)])).ok;
    },
    async delete(record, deed) {
      const key = batchEndpointKey(record.workspace, record.name);
      return (await table.transact([{ kind: "delete", key, when: atRev(record.rev) }, deedOf(record, deed)])).ok;
    },
  };
}

const atRev = (rev: number): readonly Clause[] => [{ attr: "rev", op: "eq", value: rev }];

function itemOf(record: BatchEndpointRecord): Item {
  const { workspace, name, rev } = record;
  const endpoint = JSON.parse(JSON.stringify(record)) as Value;
  return { ...batchEndpointKey(workspace, name), type: "batch-endpoint", v: 1, rev, endpoint };
}

function recordOf(item: Item): BatchEndpointRecord {
  if (item.type === "batch-endpoint" && item.v === 1) return item.endpoint as unknown as BatchEndpointRecord;
  throw new AppError("Internal", `record \`${item.pk}\` / \`${item.sk}\` is no batch endpoint of version 1`);
}
