/** A datastore as it is kept. Credentials are in the vault, never here. */
export interface DatastoreRecord {
  readonly workspace: string;
  readonly name: string;
  readonly type: string;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The spec without type, words and credentials. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly hasCredentials: boolean;
  readonly createdAt: string;
  readonly createdBy: string;
  /** Counts writes. */
  readonly rev: number;
}

export interface DatastoreStore {
  get(workspace: string, name: string): Promise<DatastoreRecord | undefined>;
  /** By name. */
  list(
    workspace: string,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<{ readonly items: readonly DatastoreRecord[]; readonly cursor?: string }>;
  /** `expectedRev` 0: it must not exist. False when somebody was faster. */
  put(record: DatastoreRecord, expectedRev: number, actor: string): Promise<boolean>;
  /** False when it is not there (any more) at this revision. */
  delete(record: DatastoreRecord, actor: string): Promise<boolean>;
}

/** Name of a datastore's secret in the vault. */
export const datastoreSecret = (workspace: string, name: string): string => `datastores/${workspace}/${name}`;
