import type { Deed } from "../jobs/ports.ts";
import type { ComputeRecord } from "./record.ts";

export interface ComputeStore {
  /** `local` is answered also where no record of it was written. */
  get(workspace: string, name: string): Promise<ComputeRecord | undefined>;
  /** All of a workspace, by name. */
  list(workspace: string): Promise<readonly ComputeRecord[]>;
  /** Writes if the revision is still `rev` (0: there is none yet). False: somebody was faster. */
  put(record: ComputeRecord, rev: number, deed: Deed): Promise<boolean>;
  /** False: somebody was faster. */
  delete(record: ComputeRecord, deed: Deed): Promise<boolean>;
}
