import * as z from "zod";
import { Sha256 } from "./common.ts";

export { PACK_LIMIT_BYTES, treeText } from "./tree-text.ts";

/** Relative, `/`-separated, no empty segment, no `.` or `..`, no NUL, no backslash at the start of a drive, at most 1024 bytes. */
export const TreePath = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    (path) => !path.includes("\0") && path.split("/").every((part) => part !== "" && part !== "." && part !== ".."),
    "is not a clean relative path",
  );

export const TreeEntry = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("file"),
    path: TreePath,
    sha256: Sha256,
    size_bytes: z.number().int().min(0),
    executable: z.boolean().optional(),
  }),
  /** An empty folder. */
  z.strictObject({ kind: z.literal("folder"), path: TreePath }),
  /** `target` is relative and stays inside the tree. */
  z.strictObject({ kind: z.literal("symlink"), path: TreePath, target: z.string().min(1).max(1024) }),
]);
export type TreeEntry = z.infer<typeof TreeEntry>;

/** A folder by its content. Code snapshots, uploaded data and model files are trees. URI: `azureml://trees/<id>/<path>`. */
export const Tree = z.object({
  id: Sha256,
  uri: z.string(),
  file_count: z.number().int(),
  size_bytes: z.number().int(),
  entries: z.array(TreeEntry).optional(),
});
export type Tree = z.infer<typeof Tree>;

export const PutTree = z.strictObject({ entries: z.array(TreeEntry).max(200_000) });

export const MissingBlobs = z.object({ missing: z.array(Sha256) });
export const AskBlobs = z.strictObject({ hashes: z.array(Sha256).max(10_000) });
/** Where to PUT the bytes of a blob that is too large for a pack, with which headers. */
export const AskBlobUpload = z.strictObject({ size_bytes: z.number().int().min(0) });
export const BlobUpload = z.object({ url: z.string(), headers: z.record(z.string(), z.string()).optional() });
export type BlobUpload = z.infer<typeof BlobUpload>;
export const Stored = z.object({ stored: z.number().int() });
