import { z } from "zod";
import { Sha256 } from "./common.ts";

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

/**
 * The text whose SHA-256 (hex) is the tree's id: one line an entry, sorted by path in UTF-8 byte order,
 * `kind SP detail SP JSON(path) LF`; detail is the blob's hash with `+x` for executables, the JSON of a symlink's target, or `-`.
 */
export function treeText(entries: readonly TreeEntry[]): string {
  const encoder = new TextEncoder();
  const keyed = entries.map((entry) => ({ entry, key: encoder.encode(entry.path) }));
  keyed.sort((a, b) => compareBytes(a.key, b.key));
  return keyed.map(({ entry }) => `${entry.kind} ${detailOf(entry)} ${JSON.stringify(entry.path)}\n`).join("");
}

function detailOf(entry: TreeEntry): string {
  if (entry.kind === "file") return entry.executable ? `${entry.sha256}+x` : entry.sha256;
  return entry.kind === "symlink" ? JSON.stringify(entry.target) : "-";
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * Many small blobs in one request: for each, 32 bytes of SHA-256, 4 bytes of length (unsigned, big endian), then the bytes. At most 4 MB in all;
 * larger blobs go alone to `PUT …/blobs/{sha256}`.
 */
export const PACK_LIMIT_BYTES = 4 * 1024 * 1024;
export const MissingBlobs = z.object({ missing: z.array(Sha256) });
export const AskBlobs = z.strictObject({ hashes: z.array(Sha256).max(10_000) });
export const Stored = z.object({ stored: z.number().int() });
