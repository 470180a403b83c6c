import { AppError } from "../../contract/errors.ts";
import type { Deed } from "../jobs/ports.ts";
import type { BatchEndpointDeps, BatchEndpointRecord } from "./ports.ts";

export type StoreDeps = Pick<BatchEndpointDeps, "batchEndpoints" | "clock">;

const TRIES = 5;

/** Throws NotFound. */
export async function findEndpoint(
  { batchEndpoints }: Pick<BatchEndpointDeps, "batchEndpoints">,
  workspace: string,
  name: string,
): Promise<BatchEndpointRecord> {
  const found = await batchEndpoints.get(workspace, name);
  if (found !== undefined) return found;
  throw noEndpoint(workspace, name);
}

export function noEndpoint(workspace: string, name: string): AppError {
  return new AppError("NotFound", `workspace \`${workspace}\` has no batch endpoint \`${name}\``, {
    hint: "`yard batch-endpoint list` shows those there are",
  });
}

/** Writes an endpoint as `change` makes it of what stands, which is asked again when somebody was faster. Throws Conflict when that does not end. */
export async function changeEndpoint(
  deps: StoreDeps,
  id: { readonly workspace: string; readonly name: string },
  change: (standing: BatchEndpointRecord | undefined) => { readonly next: BatchEndpointRecord; readonly deed: Deed },
): Promise<BatchEndpointRecord> {
  for (let tries = 0; tries < TRIES; tries++) {
    const standing = await deps.batchEndpoints.get(id.workspace, id.name);
    const { next, deed } = change(standing);
    const rev = standing?.rev ?? 0;
    const record = { ...next, rev: rev + 1, updatedMs: deps.clock.now() };
    if (await deps.batchEndpoints.put(record, rev, deed)) return record;
  }
  throw changedMeanwhile(id.name);
}

export function changedMeanwhile(name: string): AppError {
  return new AppError("Conflict", `batch endpoint \`${name}\` was changed meanwhile`, {
    hint: "look at it and try again",
  });
}
