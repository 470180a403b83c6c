import { AppError } from "../../contract/errors.ts";
import type { Digest } from "../ports/digest.ts";
import type { Objects } from "../ports/objects.ts";
import { blobKey } from "./keys.ts";

/** Stores one blob, hashing as it passes: bytes with another hash are never kept. Answers 1 if it was new, else 0. */
export async function putBlob(
  deps: { readonly objects: Objects; readonly digest: Digest },
  input: { readonly workspace: string; readonly sha256: string; readonly body: ReadableStream<Uint8Array> },
): Promise<number> {
  const hasher = deps.digest.sha256();
  const checked = input.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        hasher.update(chunk);
        controller.enqueue(chunk);
      },
      flush() {
        const actual = hasher.hex();
        if (actual !== input.sha256) throw wrongHash(input.sha256, actual);
      },
    }),
  );
  const { stored } = await deps.objects.put(blobKey(input.workspace, input.sha256), checked, { ifAbsent: true });
  return stored ? 1 : 0;
}

export function wrongHash(expected: string, actual: string): AppError {
  return new AppError("InvalidArgument", `the bytes sent as blob \`${expected}\` have the SHA-256 \`${actual}\``, {
    hint: "hash the bytes that are sent; the file may have changed while it was read",
  });
}
