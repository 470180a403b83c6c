import type { S3Client } from "@aws-sdk/client-s3";

/** S3 takes 10,000 parts of at least 5 MB; parts of 16 MB allow 160 GB. */
const PART_BYTES = 16 * 1024 * 1024;

interface Target {
  readonly sdk: typeof import("./s3-sdk.ts");
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
}

/** Stores a stream of unknown length: at once if it is small, else in parts, which become one object only when all are there. */
export async function writeS3(target: Target, body: ReadableStream<Uint8Array> | Uint8Array): Promise<void> {
  const parts = inParts(body instanceof Uint8Array ? new Blob([body.slice()]).stream() : body);
  const first = await parts.next();
  const second = first.done === true ? first : await parts.next();
  const { sdk, client, bucket: Bucket, key: Key } = target;
  if (second.done === true) {
    await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: first.value ?? new Uint8Array() }));
    return;
  }
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }));
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  const send = async (Body: Uint8Array) => {
    const PartNumber = Parts.length + 1;
    const { ETag } = await client.send(new sdk.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  };
  try {
    await send(first.value ?? new Uint8Array());
    await send(second.value);
    for await (const part of parts) await send(part);
    await client.send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    // Parts of an upload that nobody ends are paid for.
    await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch(() => undefined);
    throw error;
  }
}

async function* inParts(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.byteLength; ) {
      const piece = chunk.subarray(at, at + PART_BYTES - size);
      chunks.push(piece);
      size += piece.byteLength;
      at += piece.byteLength;
      if (size === PART_BYTES) {
        yield Buffer.concat(chunks);
        chunks = [];
        size = 0;
      }
    }
  }
  if (size > 0) yield Buffer.concat(chunks);
}
