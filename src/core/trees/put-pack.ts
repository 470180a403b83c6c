import { AppError } from "../../contract/errors.ts";
import { mapLimited } from "../files/streams.ts";
import type { Digest } from "../ports/digest.ts";
import { sha256Hex } from "../ports/digest.ts";
import type { Objects } from "../ports/objects.ts";
import { blobKey } from "./keys.ts";
import { wrongHash } from "./put-blob.ts";

const HASH_BYTES = 32;
const HEADER_BYTES = HASH_BYTES + 4;
/** Puts are durable, so each waits for the disk: side by side they wait together. */
const WIDTH = 32;

/** Stores the blobs of a pack (contract/trees.ts); answers how many were new. Nothing is stored of a pack that is broken anywhere. */
export async function putPack(
  deps: { readonly objects: Objects; readonly digest: Digest },
  input: { readonly workspace: string; readonly bytes: Uint8Array },
): Promise<number> {
  const blobs = parsePack(input.bytes);
  for (const { sha256, bytes } of blobs.values()) {
    const actual = sha256Hex(deps.digest, bytes);
    if (actual !== sha256) throw wrongHash(sha256, actual);
  }
  const stored = await mapLimited([...blobs.values()], WIDTH, async ({ sha256, bytes }) => {
    const answer = await deps.objects.put(blobKey(input.workspace, sha256), bytes, { ifAbsent: true });
    return answer.stored;
  });
  return stored.filter(Boolean).length;
}

function parsePack(pack: Uint8Array): Map<string, { readonly sha256: string; readonly bytes: Uint8Array }> {
  const view = new DataView(pack.buffer, pack.byteOffset, pack.byteLength);
  const blobs = new Map<string, { sha256: string; bytes: Uint8Array }>();
  let at = 0;
  while (at < pack.byteLength) {
    if (at + HEADER_BYTES > pack.byteLength) throw broken(at);
    const sha256 = hexOf(pack.subarray(at, at + HASH_BYTES));
    const end = at + HEADER_BYTES + view.getUint32(at + HASH_BYTES);
    if (end > pack.byteLength) throw broken(at);
    blobs.set(sha256, { sha256, bytes: pack.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return blobs;
}

function broken(at: number): AppError {
  return new AppError("InvalidArgument", `the pack ends inside the blob that begins at byte ${at}`, {
    hint: "for each blob send 32 bytes of SHA-256, 4 bytes of length (big endian), then the bytes",
  });
}

function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}
