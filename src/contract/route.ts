import type * as z from "zod";

/** Things that rights are about. */
export const RESOURCES = [
  "workspace",
  "member",
  "role",
  "job",
  "run",
  "experiment",
  "compute",
  "datastore",
  "secret",
  "data",
  "environment",
  "component",
  "model",
  "endpoint",
  "deployment",
  "schedule",
  "notification",
  "activity",
  "lineage",
  "file",
  "tracking",
  "registry",
  "home",
] as const;
export type Resource = (typeof RESOURCES)[number];
export const ACTIONS = ["read", "create", "update", "delete", "run", "secrets", "report", "score"] as const;
export type Action = (typeof ACTIONS)[number];

/**
 * `open`: answered without a token (health, version, server-info, the OpenAPI document).
 * `iam`: answered to callers whose AWS signature the AWS home's gateway has checked, and to nobody else; a laptop home has none.
 * `self`: what callers may ask and do about themselves, whatever their rights; only a person's own token changes anything.
 */
export type Access = { readonly resource: Resource | "self"; readonly action: Action } | "open" | "iam";

export type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

/**
 * One route of the contract: server, client, OpenAPI document and the rights test are made from it. Placeholders in `path` are `{name}`, one segment each.
 * A route can't exist without `access`.
 */
export interface Route<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType | "bytes" | undefined = z.ZodType | "bytes" | undefined,
  Answer extends z.ZodType | "bytes" = z.ZodType | "bytes",
> {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  readonly tag: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly answer: Answer;
  /** Status of success; default 200. */
  readonly status?: number;
  /** Largest body, bytes; default 4 MB for JSON, none for `bytes`. */
  readonly bodyLimit?: number;
}

export type AnyRoute = Route<z.ZodObject, z.ZodObject, z.ZodType | "bytes" | undefined, z.ZodType | "bytes">;

/** Types follow from the schemas given. */
export function defineRoute<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodType | "bytes" | undefined,
  A extends z.ZodType | "bytes",
>(route: Route<P, Q, B, A>): Route<P, Q, B, A> {
  return route;
}
