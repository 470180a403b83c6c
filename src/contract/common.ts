import * as z from "zod";

/** Workspace, compute, datastore, endpoint and deployment names share one form. */
export const ResourceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/)
  .describe("1..255 letters, digits, `-` or `_`, starting with a letter or digit");

/** A run's id is its job's name. */
export const RunId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,255}$/)
  .describe("Run id = job name: 1..256 letters, digits, `-` or `_`");

export const AssetName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/)
  .describe("1..255 letters, digits, `-`, `_` or `.`, starting with a letter or digit");

/** MLflow's registry is looser than Azure's asset names: anything without `/`, `:` or control characters. */
export const ModelName = z
  .string()
  .regex(/^[^/:\p{Cc}\s][^/:\p{Cc}]{0,254}$/u)
  .refine((name) => name !== "." && name !== ".." && !name.endsWith(" "), "is not a model name")
  .describe("1..255 characters, none of them `/`, `:` or a control character");

/** Always text: `01` and `1.0.0` are versions too. */
export const AssetVersion = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)
  .describe("1..100 of letters, digits, `.`, `_`, `-`");

/** In a path: a version, or `@label` for what a label points at. */
export const VersionOrLabel = z.string().regex(/^(@[A-Za-z0-9_.-]{1,255}|[A-Za-z0-9][A-Za-z0-9._-]{0,99})$/);

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Keys 1..250 characters, values at most 5000. */
export const Tags = z.record(z.string().min(1).max(250), z.string().max(5000));
export type Tags = z.infer<typeof Tags>;

export const Description = z.string().max(20000);

/** RFC 3339 in UTC with milliseconds. */
export const Time = z.string().describe("RFC 3339, UTC, milliseconds");

/** `limit` 1..1000, default 100. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  /** From the page before. Opaque, printable ASCII. */
  cursor: z
    .string()
    .max(8192)
    .regex(/^[!-~]+$/)
    .optional(),
});

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().optional() });
}

/** Answers of calls that have nothing to say. */
export const Empty = z.object({});

/** Who did it: `user:owner`, `run:<id>`, `deployment:<endpoint>/<deployment>`, `system`. */
export const Actor = z.string().max(600);

export const WorkspaceParams = z.object({ workspace: ResourceName });
