/** A workspace's secret without its value, which is in the vault. */
export interface SecretRecord {
  readonly workspace: string;
  readonly name: string;
  readonly description?: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly updatedAt: string;
  readonly updatedBy: string;
  readonly rev: number;
}

export interface SecretStore {
  get(workspace: string, name: string): Promise<SecretRecord | undefined>;
  /** By name. */
  list(
    workspace: string,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<{ readonly items: readonly SecretRecord[]; readonly cursor?: string }>;
  /** `expectedRev` 0: it must not exist. False when somebody was faster. */
  put(record: SecretRecord, expectedRev: number): Promise<boolean>;
  /** False when it is not there (any more) at this revision. */
  delete(record: SecretRecord, actor: string): Promise<boolean>;
}

/** Name of a workspace's secret in the vault. */
export const workspaceSecret = (workspace: string, name: string): string => `secrets/${workspace}/${name}`;
