import type { Write } from "../ports/table.ts";
import type { Value } from "../ports/table.ts";

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
