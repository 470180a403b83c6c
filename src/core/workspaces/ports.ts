import type { Retention } from "../../contract/workspaces.ts";
import type { Places } from "../ports/storage.ts";

export interface WorkspaceRecord {
  readonly name: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Absent: gc runs when somebody asks. */
  readonly retention?: Retention;
  /** Absent: the home's own. */
  readonly storage?: Places;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly rev: number;
  /** It was deleted with its contents, and is freed from then on. */
  readonly deletesMs?: number;
}

/** How many of a kind of thing a workspace has. */
export interface Amount {
  readonly what: string;
  readonly count: number;
  readonly isMore: boolean;
}

export interface WorkspaceStore {
  get(name: string): Promise<WorkspaceRecord | undefined>;
  /** False for one that was deleted and may be restored yet. May be up to 30 seconds old for a deletion by another process. */
  isThere(name: string): Promise<boolean>;
  /** By name. */
  list(page: {
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly items: readonly WorkspaceRecord[]; readonly cursor?: string }>;
  /** `expectedRev` 0: makes it, with its default datastore and the compute `local`; one with storage takes over what was claimed for it. False when somebody was faster. */
  put(
    record: WorkspaceRecord,
    expectedRev: number,
    actor: string,
    words?: { readonly action: string; readonly summary: string },
  ): Promise<boolean>;
  /** False when it is not there (any more) at this revision. */
  delete(record: WorkspaceRecord, actor: string): Promise<boolean>;
  /** What stands in the way of deleting it, in words; empty for a workspace as it was made. */
  contents(name: string): Promise<readonly string[]>;
  /** All that goes with it, each kind counted up to a thousand. */
  amounts(name: string): Promise<readonly Amount[]>;
  /** What must end before it can go with its contents, in words. */
  blockers(name: string): Promise<readonly string[]>;
  /** Names of workspaces that were deleted, and of which something is left. */
  unpurged(): Promise<readonly string[]>;
  /** It was deleted, and what was in it is not gone yet; until then it can't be made again. */
  needsPurge(name: string): Promise<boolean>;
  /** Removes the records of trees. */
  purgeTrees(name: string, ids: readonly string[]): Promise<void>;
  /** Removes every other record but activities; the last step of a deletion. */
  purge(name: string): Promise<void>;
}

/** Storage of a workspace's own on its way: `making` until the workspace is there, `freed` for the moments in which other processes may still use it. */
export interface StorageRecord {
  readonly workspace: string;
  readonly state: "making" | "there" | "freed";
  readonly sinceMs: number;
  readonly places: Places;
}

export interface StorageStore {
  get(workspace: string): Promise<StorageRecord | undefined>;
  list(): Promise<readonly StorageRecord[]>;
  /** Writes `record` if what is kept is still `before`. False: somebody was faster. */
  put(record: StorageRecord, before: StorageRecord | undefined): Promise<boolean>;
  /** Does nothing where another has taken its place. */
  delete(record: StorageRecord): Promise<void>;
}
