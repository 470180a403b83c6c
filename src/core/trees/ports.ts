import type { TreeEntry } from "../../contract/trees.ts";

/** A tree as it is kept: entries in path order (UTF-8 bytes). */
export interface StoredTree {
  readonly id: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly entries: readonly TreeEntry[];
}

export type TreeFacts = Omit<StoredTree, "entries">;

/** Trees never change, so reading one twice gives the same thing. Facts of a tree keep it from a sweep under way. */
export interface TreeStore {
  facts(workspace: string, id: string): Promise<TreeFacts | undefined>;
  read(workspace: string, id: string): Promise<StoredTree | undefined>;
  /**
   * Keeps blobs and trees that are about to be used from a sweep under way, in the order given. Answers those that are being freed at this moment:
   * nobody can use them before that is done.
   */
  keep(workspace: string, names: readonly string[]): Promise<readonly string[]>;
  /** Idempotent. */
  save(workspace: string, tree: StoredTree): Promise<void>;
}
