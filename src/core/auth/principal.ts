/** Who calls. `name` is the actor in activities and run records. */
export type Principal =
  /** A person, or a program with a person's token. Roles by workspace; `*` is every workspace. */
  | { readonly kind: "user"; readonly name: string; readonly roles: Readonly<Record<string, Role>> }
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

export type Role = "owner" | "contributor" | "reader";
