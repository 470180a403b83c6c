import type { StorageSpec } from "../../contract/workspaces.ts";

/** One thing of a workspace's storage. `isOwn`: made for it, and freed with it; else it was there before and stays. */
export interface Place {
  readonly arn: string;
  readonly isOwn: boolean;
}

/** What of a workspace's storage is not the home's. */
export interface Places {
  readonly bucket?: Place;
  /** Of the bucket, and of a secret of its own. */
  readonly key?: Place;
  readonly secret?: Place;
  readonly repository?: Place;
}

/** What a workspace keeps its things in, where that is not the home's: made or adopted, tried before it is used, freed. */
export interface Storage {
  /**
   * Makes what is to be the workspace's own; what is adopted stays as it is. `onMade` hears of each thing before the next one is made, so that nothing is forgotten
   * that a failure leaves. Throws AppError("Forbidden") with what right is missing.
   */
  make(workspace: string, spec: StorageSpec, onMade: (places: Places) => Promise<void>): Promise<Places>;
  /** Uses each thing as the home will, and leaves it as it was. Throws AppError("Forbidden") or "InvalidArgument" with what is missing and how to give it. */
  check(workspace: string, places: Places): Promise<void>;
  /** Resolves when every process of the home knows what was written at `sinceMs` of whose storage is where. */
  settle(sinceMs: number): Promise<void>;
  /** Removes what is the workspace's own, and nothing else. What is gone already is fine. */
  free(workspace: string, places: Places): Promise<void>;
}
