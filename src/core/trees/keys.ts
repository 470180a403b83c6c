import type { TreeEntry } from "../../contract/trees.ts";

/** Object keys of the content-addressed store. */
export const blobKey = (workspace: string, sha256: string): string =>
  `ws/${workspace}/blobs/${sha256.slice(0, 2)}/${sha256}`;
export const treeObjectKey = (workspace: string, id: string): string => `ws/${workspace}/trees/${id}.json`;
export const treeUri = (id: string): string => `azureml://trees/${id}`;

/** SHA-256 of a tree's files, each once. */
export function blobsOf(entries: readonly TreeEntry[]): string[] {
  return [...new Set(entries.flatMap((entry) => (entry.kind === "file" ? [entry.sha256] : [])))];
}
