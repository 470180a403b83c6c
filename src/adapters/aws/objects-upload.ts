import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { AppError } from "../../contract/errors.ts";
import { attemptsOf, nameOf, statusOf } from "./fault.ts";

/** Where things are stored. */
export interface Store {
  readonly client: S3Client;
  readonly bucket: string;
}

/** One part of an upload: bytes in hand, or bytes of an object that is there already. */
export type Part =
  | { readonly bytes: Uint8Array }
  | { readonly copy: string; readonly etag: string; readonly start: number; readonly end: number };

export interface Stored {
  readonly etag: string;
  readonly sizeBytes: number;
}

const PARTS_LIMIT = 10_000;
/** Parts under way at once; with buffered parts, also what bounds the memory of an upload. */
const CONCURRENCY = 3;
const CONFLICT_TRIES = 5;

/** Stores bytes under a key; undefined if `ifAbsent` and the key is taken. */
export async function putBytes(
  store: Store,
  key: string,
  bytes: Uint8Array,
  ifAbsent: boolean,
): Promise<Stored | undefined> {
  const send = () =>
    store.client.send(
      new PutObjectCommand({
        Bucket: store.bucket,
        Key: key,
        Body: bytes,
        ContentLength: bytes.byteLength,
        ...(ifAbsent ? { IfNoneMatch: "*" } : {}),
      }),
    );
  const answer = await unlessTaken(send);
  return answer && { etag: etagOf(answer.ETag), sizeBytes: bytes.byteLength };
}

/** Stores parts, which are taken one after another as room allows, as one object; undefined if `ifAbsent` and the key is taken. A failure leaves nothing behind. */
export async function putParts(
  store: Store,
  key: string,
  parts: AsyncIterable<Part>,
  ifAbsent: boolean,
): Promise<Stored | undefined> {
  const place = { Bucket: store.bucket, Key: key };
  const { UploadId } = await store.client.send(new CreateMultipartUploadCommand(place));
  const upload = { ...place, UploadId };
  try {
    const { Parts, sizeBytes } = await sendParts(store, upload, parts);
    const answer = await unlessTaken(() =>
      store.client
        .send(
          new CompleteMultipartUploadCommand({
            ...upload,
            MultipartUpload: { Parts },
            ...(ifAbsent ? { IfNoneMatch: "*" } : {}),
          }),
        )
        .catch((error: unknown) => completedBefore(store, upload, { parts: Parts.length, sizeBytes }, error)),
    );
    if (answer !== undefined) return { etag: etagOf(answer.ETag), sizeBytes };
    await abort(store, upload);
    return undefined;
  } catch (error) {
    await abort(store, upload);
    throw error;
  }
}

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

async function sendParts(store: Store, upload: Upload, parts: AsyncIterable<Part>) {
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  const underWay = new Set<Promise<void>>();
  let sizeBytes = 0;
  for await (const part of parts) {
    const PartNumber = Parts.length + 1;
    if (PartNumber > PARTS_LIMIT) {
      throw new AppError("TooLarge", `object \`${upload.Key}\` is too large: over ${sizeBytes} bytes`);
    }
    const slot = { PartNumber, ETag: undefined as string | undefined };
    Parts.push(slot);
    sizeBytes += "bytes" in part ? part.bytes.byteLength : part.end - part.start;
    const sending = sendPart(store, upload, PartNumber, part).then((etag) => {
      slot.ETag = etag;
      underWay.delete(sending);
    });
    underWay.add(sending);
    // Rejections surface at the next race or at the end; until then nobody may call them unhandled.
    sending.catch(() => undefined);
    if (underWay.size >= CONCURRENCY) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return { Parts, sizeBytes };
}

async function sendPart(store: Store, upload: Upload, PartNumber: number, part: Part): Promise<string | undefined> {
  if ("bytes" in part) {
    const { bytes } = part;
    const command = new UploadPartCommand({ ...upload, PartNumber, Body: bytes, ContentLength: bytes.byteLength });
    return (await store.client.send(command)).ETag;
  }
  const answer = await store.client.send(
    new UploadPartCopyCommand({
      ...upload,
      PartNumber,
      CopySource: copySource(store, part.copy),
      CopySourceIfMatch: quoted(part.etag),
      CopySourceRange: `bytes=${part.start}-${part.end - 1}`,
    }),
  );
  return answer.CopyPartResult?.ETag;
}

/** Where the answer to a completion was lost, the next one finds no upload, and its object. */
async function completedBefore(
  store: Store,
  { Bucket, Key }: Upload,
  made: { readonly parts: number; readonly sizeBytes: number },
  error: unknown,
): Promise<{ readonly ETag: string | undefined }> {
  if (nameOf(error) !== "NoSuchUpload" || attemptsOf(error) < 2) throw error;
  const { ETag, ContentLength } = await store.client.send(new HeadObjectCommand({ Bucket, Key }));
  if (ContentLength !== made.sizeBytes || !etagOf(ETag).endsWith(`-${made.parts}`)) throw error;
  return { ETag };
}

async function abort(store: Store, upload: Upload): Promise<void> {
  // What can't be removed now, the bucket's lifecycle removes in a week.
  await store.client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
}

/** Repeats a conditional write that met another one in the middle of its own; undefined when the key is taken. */
async function unlessTaken<T>(send: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send();
    } catch (error) {
      if (statusOf(error) === 412) return undefined;
      if (nameOf(error) !== "ConditionalRequestConflict" || tries === CONFLICT_TRIES) throw error;
    }
  }
}

/** A source as S3's header wants it: encoded, with the slashes as they are. */
export function copySource(store: Store, key: string): string {
  return `${store.bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
}

/** Etags travel in quotes, which are no part of them. */
export function etagOf(header: string | undefined): string {
  return (header ?? "").replaceAll('"', "");
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}
