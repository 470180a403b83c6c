import { createHash } from "node:crypto";

export interface Digest {
  readonly sha256: string;
  readonly bytes: number;
}

/** Lets bytes through and sums them up; a file of any size passes in the memory of a chunk. */
export function summing(): { readonly stream: TransformStream<Uint8Array, Uint8Array>; digest(): Digest } {
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    stream: new TransformStream({
      transform(chunk, controller) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        controller.enqueue(chunk);
      },
    }),
    digest: () => ({ sha256: hash.digest("hex"), bytes }),
  };
}

export async function sha256Of(body: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { sha256: hash.digest("hex"), bytes };
}
