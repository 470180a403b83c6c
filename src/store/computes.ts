import type { ComputeSpec } from "../contract/computes.ts";
import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import type { ComputeStore } from "../core/computes/ports.ts";
import { type ComputeRecord, LOCAL_COMPUTE } from "../core/computes/record.ts";
import type { Deed } from "../core/jobs/ports.ts";
import { ABSENT, type Item, type Table, type Value, type Write } from "../core/ports/table.ts";
import { computeKey } from "./facts/keys.ts";

/** The record of this machine that goes with a new workspace. */
export function localComputeWrite(workspace: string, actor: string, createdMs: number): Write {
  return { kind: "put", item: itemOf(localCompute(workspace, actor, createdMs, 1)) };
}

function localCompute(workspace: string, createdBy: string, createdMs: number, rev: number): ComputeRecord {
  return { workspace, name: LOCAL_COMPUTE, spec: { type: "local" }, hasCredentials: false, createdMs, createdBy, rev };
}

export function openComputeStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): ComputeStore {
  const { table, activity } = deps;
  const deedWrite = ({ workspace, name }: ComputeRecord, deed: Deed): Write =>
    activity({ workspace, resource: "compute", name, ...deed });
  const isRev = (rev: number) => (rev === 0 ? ABSENT : [{ attr: "rev", op: "eq", value: rev } as const]);

  return {
    async get(workspace, name) {
      const item = await table.get(computeKey(workspace, name));
      if (item !== undefined) return computeOf(item);
      return name === LOCAL_COMPUTE ? localCompute(workspace, "system", 0, 0) : undefined;
    },
    async list(workspace) {
      const records: ComputeRecord[] = [];
      let cursor: string | undefined;
      do {
        const page = await table.query({
          pk: computeKey(workspace, LOCAL_COMPUTE).pk,
          ...(cursor === undefined ? {} : { cursor }),
        });
        records.push(...page.items.map(computeOf));
        cursor = page.cursor;
      } while (cursor !== undefined);
      const hasLocal = records.some((record) => record.name === LOCAL_COMPUTE);
      return hasLocal ? records : [localCompute(workspace, "system", 0, 0), ...records];
    },
    async put(record, rev, deed) {
      return (await table.transact([{ kind: "put", item: itemOf(record), when: isRev(rev) }, deedWrite(record, deed)]))
        .ok;
    },
    async delete(record, deed) {
      const key = computeKey(record.workspace, record.name);
      return (await table.transact([{ kind: "delete", key, when: isRev(record.rev) }, deedWrite(record, deed)])).ok;
    },
  };
}

function itemOf(record: ComputeRecord): Item {
  const { workspace, name, spec, ...rest } = record;
  return { ...computeKey(workspace, name), type: "COMPUTE", v: 1, workspace, name, spec: spec as Value, ...rest };
}

function computeOf(item: Item): ComputeRecord {
  if (item.type !== "COMPUTE" || item.v !== 1) {
    throw new AppError("Internal", `item \`${item.pk}\` / \`${item.sk}\` is not a compute of a known shape`);
  }
  const { workspace, name, spec, hasCredentials, createdMs, createdBy, rev } = item as unknown as ComputeRecord;
  return { workspace, name, spec: spec as ComputeSpec, hasCredentials, createdMs, createdBy, rev };
}
