import { AppError } from "../../contract/errors.ts";
import { type TreeEntry, treeText } from "../../contract/trees.ts";
import { comparePaths } from "../files/paths.ts";
import type { Digest } from "../ports/digest.ts";
import { sha256Hex } from "../ports/digest.ts";
import type { Objects } from "../ports/objects.ts";
import { checkEntries } from "./check-entries.ts";
import { blobsOf } from "./keys.ts";
import { storedBlobs } from "./missing-blobs.ts";
import type { StoredTree, TreeFacts, TreeStore } from "./ports.ts";

const MISSING_LIMIT = 10_000;

/**
 * Makes a tree of stored blobs. A tree that is known is answered without looking at its blobs.
 * Conflict names the blobs that are missing (the first 10,000) in `details.missing`.
 */
export async function putTree(
  deps: { readonly trees: TreeStore; readonly objects: Objects; readonly digest: Digest },
  input: { readonly workspace: string; readonly id: string; readonly entries: readonly TreeEntry[] },
): Promise<TreeFacts> {
  const { workspace, id, entries } = input;
  const actual = sha256Hex(deps.digest, treeText(entries));
  if (actual !== id) {
    throw new AppError("InvalidArgument", `these entries are tree \`${actual}\`, not \`${id}\``, {
      hint: "a tree's id is the SHA-256 of its text, which the contract describes",
    });
  }
  const known = await deps.trees.facts(workspace, id);
  if (known !== undefined) return known;
  checkEntries(entries);
  // Before they are looked for: what is there then stays.
  const going = await deps.trees.keep(workspace, [...blobsOf(entries), id]);
  if (going.length > 0) {
    throw new AppError("Unavailable", `${going.length} blobs of the tree are just being freed by gc`, {
      hint: "try again in a moment",
    });
  }
  await checkBlobs(deps, workspace, entries);
  const tree = treeOf(id, entries);
  await deps.trees.save(workspace, tree);
  return { id, fileCount: tree.fileCount, sizeBytes: tree.sizeBytes };
}

async function checkBlobs(
  deps: { readonly objects: Objects },
  workspace: string,
  entries: readonly TreeEntry[],
): Promise<void> {
  const files = entries.filter((entry) => entry.kind === "file");
  const sizes = await storedBlobs(
    deps,
    workspace,
    files.map((file) => file.sha256),
  );
  const missing = [...new Set(files.map((file) => file.sha256))].filter((hash) => !sizes.has(hash));
  if (missing.length > 0) {
    throw new AppError("Conflict", `${missing.length} blobs of the tree are not stored`, {
      missing: missing.slice(0, MISSING_LIMIT),
      hint: "send them with PUT …/blobs/{sha256} or POST …/blobs/pack, then try again",
    });
  }
  for (const { path, sha256, size_bytes } of files) {
    const actual = sizes.get(sha256);
    if (actual !== size_bytes) {
      throw new AppError("InvalidArgument", `tree entry \`${path}\` says ${size_bytes} bytes; its blob has ${actual}`);
    }
  }
}

function treeOf(id: string, entries: readonly TreeEntry[]): StoredTree {
  const sorted = [...entries].sort((a, b) => comparePaths(a.path, b.path));
  let fileCount = 0;
  let sizeBytes = 0;
  for (const entry of sorted) {
    if (entry.kind !== "file") continue;
    fileCount += 1;
    sizeBytes += entry.size_bytes;
  }
  return { id, fileCount, sizeBytes, entries: sorted };
}
