import type { GcItem, GcKind, GcReceipt } from "../../contract/gc.ts";

export type ReceiptState = Exclude<GcReceipt["state"], "dry-run">;
export type Amounts = GcReceipt["totals"];

export interface Asked {
  readonly olderThanMs: number;
  readonly graceMs: number;
  readonly runIds?: readonly string[];
  readonly experimentIds?: readonly string[];
  readonly loggedModelIds?: readonly string[];
}

/** What one call of gc took, and what became of it. */
export interface Receipt {
  readonly workspace: string;
  /** Sorts by the time of the call. */
  readonly id: string;
  /** Counts writes. */
  readonly rev: number;
  readonly state: ReceiptState;
  readonly by: string;
  readonly atMs: number;
  readonly asked: Asked;
  readonly freesAtMs: number;
  readonly endedMs?: number;
  readonly endedBy?: string;
  readonly totals: Amounts;
  readonly kept: number;
}

/** One thing of a receipt; of uploads, trees and blobs one entry each stands for all. */
export interface Entry {
  readonly kind: GcKind;
  readonly id: string;
  readonly state: GcItem["state"];
  readonly reason?: string;
  /** Things it stands for. */
  readonly things: number;
  readonly objects: number;
  readonly bytes: number;
  /** Prefixes of its objects, each ending in `/`. */
  readonly prefixes: readonly string[];
  /** Its objects were counted and may be going. */
  readonly counted?: boolean;
  readonly experimentId?: string;
  /** Names of a sweep that are done. */
  readonly done?: number;
}

/** Receipts are never deleted while their workspace is there. */
export interface ReceiptStore {
  create(receipt: Receipt): Promise<void>;
  get(workspace: string, id: string): Promise<Receipt | undefined>;
  /** Newest first. */
  list(query: {
    readonly workspace: string;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly items: readonly Receipt[]; readonly cursor?: string }>;
  /** Those that have something left to do, of every workspace. */
  open(): Promise<readonly Receipt[]>;
  /** Writes `after` if the record is still `before`; the receipt as it was written, or undefined. */
  save(before: Receipt, after: Omit<Receipt, "rev">): Promise<Receipt | undefined>;
  entries(query: {
    readonly workspace: string;
    readonly receipt: string;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly items: readonly Entry[]; readonly cursor?: string }>;
  entry(workspace: string, receipt: string, kind: GcKind, id: string): Promise<Entry | undefined>;
  putEntry(workspace: string, receipt: string, entry: Entry): Promise<void>;
}

/**
 * Things on their way out. What is in the trash is not there for any reader, and its id is taken; nothing of it but its record is touched.
 * Every step may be repeated.
 */
export interface Trash {
  /** Moves a thing as it stands, with its entry. False: it is not deleted any more, or gone. */
  take(workspace: string, receipt: string, entry: Entry): Promise<boolean>;
  /** Brings it back, deleted as it was, and writes the entry given. A text: why it can't be. */
  giveBack(workspace: string, receipt: string, entry: Entry): Promise<string | undefined>;
  /** Removes all records of it, and writes the entry given with the last of them. False: an experiment that has a run again, which stays. */
  purge(workspace: string, receipt: string, entry: Entry): Promise<boolean>;
}

/** Names and sizes of content-addressed things that nothing named when a sweep began. */
export interface Doomed {
  readonly trees: readonly (readonly [id: string, sizeBytes: number])[];
  readonly blobs: readonly (readonly [sha256: string, sizeBytes: number])[];
}

export type Claim = "kept" | "freed" | "gone";

/**
 * Agreement between who frees trees and blobs and who uses them again. A sweep publishes what it is going to free long before it does; from then on
 * each name belongs to whoever claims it first: `kept` by a user, `freed` by the sweep, which makes it `gone` when the bytes are.
 */
export interface SweepStore {
  /** Publishes the list. False: another receipt's sweep of the workspace is under way. */
  begin(workspace: string, receipt: string, doomed: Doomed): Promise<boolean>;
  /** The list of this receipt's sweep while it is under way. */
  doomed(workspace: string, receipt: string): Promise<Doomed | undefined>;
  /** Claims names for freeing; those that were `kept` are left out of the answer. */
  free(workspace: string, receipt: string, names: readonly string[]): Promise<readonly string[]>;
  /** Their bytes are gone: who has such bytes may store them anew. */
  gone(workspace: string, receipt: string, names: readonly string[]): Promise<void>;
  removeTree(workspace: string, id: string): Promise<void>;
  /** Ends the sweep, if it is this receipt's; what was not freed stays. */
  end(workspace: string, receipt: string): Promise<void>;
}
