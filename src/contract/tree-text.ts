import type { TreeEntry } from "./trees.ts";

// Apart from trees.ts, so that programs that start in milliseconds need not load zod.

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
