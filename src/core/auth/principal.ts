import type { Grants } from "./rights.ts";

/** Who calls. `name` is the actor in activities and run records. */
export type Principal =
  /** A person, or a program with a person's token. */
  | {
      readonly kind: "user";
      readonly name: string;
      readonly grants: Grants;
      /** Their token was signed with the home's key itself, and no membership stands behind it. */
      readonly holdsKey?: boolean;
      /** Set for a personal access token: it can't make others. */
      readonly tokenId?: string;
    }
  /** A run's own token: writes this run, its descendants and what they log; reads the workspace. */
  | { readonly kind: "run"; readonly name: string; readonly workspace: string; readonly runId: string }
  /** A deployment's replica: reads its model and code. */
  | {
      readonly kind: "deployment";
      readonly name: string;
      readonly workspace: string;
      readonly endpoint: string;
      readonly deployment: string;
    };
