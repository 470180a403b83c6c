import type { TreeEntry } from "../../contract/trees.ts";

/** A tree as it is kept: entries in path order (UTF-8 bytes). */
export interface StoredTree {
  readonly id: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly entries: readonly TreeEntry[];
}

export type TreeFacts = Omit<StoredTree, "entries">;

/** Trees never change, so reading one twice gives the same thing. */
export interface TreeStore {
  facts(workspace: string, id: string): Promise<TreeFacts | undefined>;
  read(workspace: string, id: string): Promise<StoredTree | undefined>;
  /** Idempotent. */
  save(workspace: string, tree: StoredTree): Promise<void>;
}
