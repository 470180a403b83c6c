import type { Compute } from "../../contract/computes.ts";
import { AppError } from "../../contract/errors.ts";
import type { JobStore } from "../jobs/ports.ts";
import type { Revised } from "../records/revision.ts";
import { clusterNotes } from "./cluster.ts";
import type { ComputeStore } from "./ports.ts";
import type { ComputeRecord } from "./record.ts";
import { slotsOf } from "./slots.ts";

export interface ShowComputeDeps {
  readonly computes: ComputeStore;
  readonly jobs: JobStore;
  readonly defaultSlots: number;
}

/** A compute with what it has to do; never with credentials. */
export async function showCompute(deps: ShowComputeDeps, record: ComputeRecord): Promise<Compute> {
  const { workspace, name, spec } = record;
  const queue = await deps.jobs.queue(workspace, name);
  const running = queue.filter((entry) => entry.holds).length;
  const { type, description, tags, ...settings } = spec;
  return {
    name,
    id: `azureml:${name}`,
    type,
    ...(description === undefined ? {} : { description }),
    tags: tags ?? {},
    settings,
    has_credentials: record.hasCredentials,
    running,
    waiting: queue.length - running,
    slots: slotsOf(record, deps.defaultSlots),
    provisioning_state: "Succeeded",
    ...(spec.type === "cluster" ? { notes: [...clusterNotes(spec)] } : {}),
    created_at: new Date(record.createdMs).toISOString(),
    created_by: record.createdBy,
  };
}

/** What a compute's ETag is made of. */
export function revisedCompute({ rev, createdMs }: ComputeRecord): Revised {
  return { rev, createdAt: new Date(createdMs).toISOString() };
}

export async function requireCompute(computes: ComputeStore, workspace: string, name: string): Promise<ComputeRecord> {
  const record = await computes.get(workspace, name);
  if (record !== undefined) return record;
  throw new AppError("NotFound", `workspace \`${workspace}\` has no compute \`${name}\``, {
    hint: "`yard compute list` shows the computes there are",
  });
}
