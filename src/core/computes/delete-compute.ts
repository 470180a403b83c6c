import { AppError } from "../../contract/errors.ts";
import type { JobStore } from "../jobs/ports.ts";
import type { Vault } from "../ports/vault.ts";
import type { Precondition } from "../records/revision.ts";
import type { ComputeStore } from "./ports.ts";
import { credentialsName, LOCAL_COMPUTE } from "./record.ts";
import { requireCompute, revisedCompute } from "./show-compute.ts";

/** Forgets a compute and its credentials; InUse while jobs are on it or wait for it. */
export async function deleteCompute(
  deps: { readonly computes: ComputeStore; readonly jobs: JobStore; readonly vault: Vault },
  input: {
    readonly workspace: string;
    readonly name: string;
    readonly actor: string;
    readonly precondition?: Precondition;
  },
): Promise<void> {
  const { workspace, name, actor } = input;
  if (name === LOCAL_COMPUTE)
    throw new AppError("NotSupported", "compute `local` is this machine and can't be deleted");
  const record = await requireCompute(deps.computes, workspace, name);
  input.precondition?.(revisedCompute(record));
  const queue = await deps.jobs.queue(workspace, name);
  if (queue.length > 0) {
    throw new AppError("InUse", `compute \`${name}\` has ${queue.length} jobs that are not final`, {
      jobs: queue.slice(0, 20).map((entry) => entry.job),
      hint: "cancel them, or wait for their end",
    });
  }
  const deed = { actor, action: "delete", summary: `compute \`${name}\` deleted` };
  if (!(await deps.computes.delete(record, deed))) {
    throw new AppError("Conflict", `compute \`${name}\` was changed at the same moment`, {
      hint: "look at it and try again",
    });
  }
  await deps.vault.delete(credentialsName(workspace, name));
}
