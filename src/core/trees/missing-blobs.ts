import { mapLimited } from "../files/streams.ts";
import type { Objects } from "../ports/objects.ts";
import { blobKey } from "./keys.ts";

const WIDTH = 64;

/** Sizes of the blobs that are stored; absent ones are not in the map. */
export async function storedBlobs(
  deps: { readonly objects: Objects },
  workspace: string,
  hashes: readonly string[],
): Promise<Map<string, number>> {
  const unique = [...new Set(hashes)];
  const infos = await mapLimited(unique, WIDTH, (hash) => deps.objects.head(blobKey(workspace, hash)));
  const sizes = new Map<string, number>();
  for (const [index, hash] of unique.entries()) {
    const info = infos[index];
    if (info !== undefined) sizes.set(hash, info.sizeBytes);
  }
  return sizes;
}

/** Those of the hashes that are not stored, each once, in the order asked. */
export async function missingBlobs(
  deps: { readonly objects: Objects },
  input: { readonly workspace: string; readonly hashes: readonly string[] },
): Promise<string[]> {
  const stored = await storedBlobs(deps, input.workspace, input.hashes);
  return [...new Set(input.hashes)].filter((hash) => !stored.has(hash));
}
