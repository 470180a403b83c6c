import { AppError } from "../../contract/errors.ts";
import type { BlobUpload } from "../../contract/trees.ts";
import { type Objects, SIGNED_SEC } from "../ports/objects.ts";
import { blobKey } from "./keys.ts";

/** What S3 takes in one PUT: 5 GB. */
const PUT_LIMIT_BYTES = 5 * 1024 ** 3;

/** Where a client puts one blob: straight into the object store, which checks its hash, or through the API. Throws TooLarge over 5 GB. */
export async function planBlob(
  deps: { readonly objects: Objects },
  input: { readonly workspace: string; readonly sha256: string; readonly sizeBytes: number },
): Promise<BlobUpload> {
  const { workspace, sha256, sizeBytes } = input;
  const signed = await deps.objects.sign("put", blobKey(workspace, sha256), SIGNED_SEC, { sha256 });
  if (signed === undefined) return { url: `/api/v1/workspaces/${workspace}/blobs/${sha256}` };
  if (sizeBytes > PUT_LIMIT_BYTES)
    throw new AppError("TooLarge", `a file of ${sizeBytes} bytes is more than one upload takes (${PUT_LIMIT_BYTES})`, {
      hint: "put it into a datastore and name its path there, or split it",
    });
  return { url: signed.url, headers: { ...signed.headers } };
}
