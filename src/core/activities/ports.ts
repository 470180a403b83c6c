import type { Activity } from "../../contract/activities.ts";
import type { Value, Write } from "../ports/table.ts";

/** What happened, to be written in the same transaction as the change itself. */
export interface NewActivity {
  readonly workspace: string;
  readonly actor: string;
  readonly resource: string;
  readonly name: string;
  readonly action: string;
  readonly summary: string;
  readonly before?: { readonly [key: string]: Value };
  readonly after?: { readonly [key: string]: Value };
}

/** Makes the write that records an activity; stores add it to their transactions. */
export type ActivityWrite = (activity: NewActivity) => Write;

/** Each field given must be equal. `resource` and `name` together are the cheap ones. */
export interface ActivityFilter {
  readonly resource?: string;
  readonly name?: string;
  readonly actor?: string;
  readonly action?: string;
}

export interface ActivityStore {
  /** Newest first, of the months from `newestMs` back to `oldestMs`. A page may be short and still have a cursor. */
  list(query: {
    readonly workspace: string;
    readonly filter: ActivityFilter;
    readonly limit: number;
    readonly cursor?: string;
    readonly newestMs: number;
    readonly oldestMs: number;
  }): Promise<{ readonly items: readonly Activity[]; readonly cursor?: string }>;
}
