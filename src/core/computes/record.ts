import type { ComputeSpec } from "../../contract/computes.ts";

/** Always there; this machine. */
export const LOCAL_COMPUTE = "local";

/** A compute as it is kept: credentials are in the vault, never here. */
export interface ComputeRecord {
  readonly workspace: string;
  readonly name: string;
  readonly spec: ComputeSpec;
  readonly hasCredentials: boolean;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly rev: number;
}

/** Vault name of a compute's credentials; their value is JSON of `{private_key?, passphrase?, password?}`. */
export function credentialsName(workspace: string, compute: string): string {
  return `computes/${workspace}/${compute}`;
}
