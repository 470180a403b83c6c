import type { ChildOrder, CompositeEvent, Effect, Machine } from "./machine.ts";

/** A composite job, with what it never changes. */
export interface Composite {
  readonly workspace: string;
  readonly job: string;
  readonly machine: Machine<unknown, unknown>;
  readonly plan: unknown;
}

/** Opens a composite by its job; undefined where there is none. */
export type OpenComposite = (workspace: string, job: string) => Promise<Composite | undefined>;

/** How far a composite is. */
export interface CoordRecord {
  /** Grows with every decision; the condition of the next one. */
  readonly rev: number;
  readonly state: unknown;
  /** What was decided with this revision, in order, as long as nobody said that it was done. */
  readonly pending: readonly Effect[];
}

/** Something that happened, as it waits to be taken into account. */
export interface InboxRow {
  /** The same cause is the same row. */
  readonly cause: string;
  readonly event: CompositeEvent;
}

/** State and inbox of composites. */
export interface CoordinationStore {
  /** Undefined until the first decision. Read consistently. */
  read(workspace: string, job: string): Promise<CoordRecord | undefined>;
  /** Oldest causes first need not be; at most `limit`. Read consistently. */
  inbox(workspace: string, job: string, limit: number): Promise<readonly InboxRow[]>;
  /** Puts a row, unless there is one of that cause. */
  tell(workspace: string, job: string, row: InboxRow): Promise<void>;
  /**
   * One transaction: the record in place of the one of revision `before` (0: none), and the rows of these causes gone. False: somebody decided meanwhile, and nothing is changed.
   */
  decide(
    composite: { readonly workspace: string; readonly job: string },
    before: number,
    after: CoordRecord,
    folded: readonly string[],
  ): Promise<boolean>;
  /** What was pending at this revision is done; changes nothing once there is a later one. */
  performed(workspace: string, job: string, rev: number): Promise<void>;
}

/** What became of an ordered child, as far as it is on record. */
export type ChildLook = "missing" | "under way" | (CompositeEvent & { readonly kind: "ended" });

/**
 * Carries effects out; each can come again. A child that can't be submitted, or that needs no run, is told by a row in the inbox.
 * Errors that may pass are thrown: the effect stays pending.
 */
export interface Hands {
  perform(composite: Composite, effect: Effect): Promise<void>;
  /** An event with what else is on record of the child that it is about. @default as it is */
  readonly enrich?: (composite: Composite, event: CompositeEvent) => Promise<CompositeEvent>;
  /** For the reconciler. */
  look(composite: Composite, child: ChildOrder): Promise<ChildLook>;
}
