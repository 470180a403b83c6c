import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { AppError } from "../../contract/errors.ts";
import {
  checkListLimit,
  checkObjectKey,
  checkObjectPrefix,
  isRange,
  rangeWithin,
} from "../../core/ports/object-rules.ts";
import type { ByteRange, ObjectInfo, Objects } from "../../core/ports/objects.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { nameOf, rethrowFrom, statusOf } from "./fault.ts";
import { copies, joinedParts, PART_LEAST_BYTES, piecesOf } from "./objects-parts.ts";
import {
  copySource,
  etagOf,
  type Part,
  putBytes,
  putParts,
  quoted,
  type Store,
  type Stored,
} from "./objects-upload.ts";

const DELETE_BATCH = 1000;
const CHECKSUM_HEADER = "x-amz-checksum-sha256";
/** Objects up to this size are copied in one request. */
const COPY_LIMIT_BYTES = 5 * 1024 ** 3;
const CHANGED_TRIES = 3;

export interface AwsObjectsOptions {
  /** With `requestChecksumCalculation: "WHEN_REQUIRED"`: a signed address can't know the checksum of what will be sent to it. */
  readonly client: S3Client;
  readonly bucket: string;
}

/** The Objects port on an S3 bucket. */
export function openObjects(options: AwsObjectsOptions): Objects {
  const { client, bucket: Bucket } = options;
  const store: Store = options;
  const rethrow = rethrowFrom("the object store");

  async function head(key: string): Promise<ObjectInfo | undefined> {
    try {
      const found = await client.send(new HeadObjectCommand({ Bucket, Key: key }));
      return infoOf(key, found.ContentLength, found.ETag, found.LastModified);
    } catch (error) {
      return isAbsent(error) ? undefined : rethrow(error);
    }
  }

  async function mustHead(key: string): Promise<ObjectInfo> {
    const found = await head(key);
    if (found === undefined) throw new AppError("NotFound", `there is no object \`${key}\``);
    return found;
  }

  /** A put's answer has no time, so it is asked for; the rest is what was stored, whoever has replaced it meanwhile. */
  async function told(key: string, stored: Stored): Promise<ObjectInfo> {
    const found = await head(key);
    return { key, ...stored, modifiedMs: found?.modifiedMs ?? Date.now() };
  }

  async function storeBody(key: string, body: Uint8Array | ReadableStream<Uint8Array>, ifAbsent: boolean) {
    if (body instanceof Uint8Array) return putBytes(store, key, body, ifAbsent);
    const pieces = piecesOf(body);
    const first = await pieces.next();
    const second = await pieces.next();
    if (second.done === true) return putBytes(store, key, first.value ?? new Uint8Array(), ifAbsent);
    async function* parts(): AsyncGenerator<Part> {
      yield { bytes: first.value as Uint8Array };
      yield { bytes: second.value as Uint8Array };
      for await (const bytes of pieces) yield { bytes };
    }
    return putParts(store, key, parts(), ifAbsent);
  }

  async function read(source: ObjectInfo, start: number, end: number): Promise<Uint8Array> {
    const { key, etag } = source;
    const Range = `bytes=${start}-${end - 1}`;
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: key, Range, IfMatch: quoted(etag) }));
    return Body === undefined ? new Uint8Array() : Body.transformToByteArray();
  }

  async function copyOnce(source: ObjectInfo, to: string): Promise<void> {
    if (source.sizeBytes > COPY_LIMIT_BYTES) {
      async function* parts(): AsyncGenerator<Part> {
        yield* copies(source, 0);
      }
      await putParts(store, to, parts(), false);
      return;
    }
    const CopySource = copySource(store, source.key);
    await client.send(new CopyObjectCommand({ Bucket, Key: to, CopySource, CopySourceIfMatch: quoted(source.etag) }));
  }

  /** Runs `step` over what the sources are now, and again if one is replaced in the middle. */
  async function overUnchanged(keys: readonly string[], step: (sources: readonly ObjectInfo[]) => Promise<void>) {
    for (let tries = 1; ; tries += 1) {
      const sources = await Promise.all(keys.map(mustHead));
      try {
        await step(sources);
        return;
      } catch (error) {
        const isChanged = statusOf(error) === 412 || isAbsent(error);
        if (!isChanged || tries === CHANGED_TRIES) rethrow(error);
      }
    }
  }

  async function remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkObjectKey(key);
    const distinct = [...new Set(keys)];
    const plain = distinct.filter(isXmlText);
    for (let at = 0; at < plain.length; at += DELETE_BATCH) {
      const Objects = plain.slice(at, at + DELETE_BATCH).map((Key) => ({ Key }));
      const answer = await client
        .send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }))
        .catch(rethrow);
      const [failed] = answer.Errors ?? [];
      if (failed !== undefined) {
        throw new AppError("Unavailable", `object \`${failed.Key}\` could not be deleted: ${failed.Message}`, {
          hint: "repeat the call; objects that are gone already are fine",
        });
      }
    }
    for (const Key of distinct) {
      if (!isXmlText(Key)) await client.send(new DeleteObjectCommand({ Bucket, Key })).catch(rethrow);
    }
  }

  return {
    async put(key, body, { ifAbsent = false } = {}) {
      checkObjectKey(key);
      for (;;) {
        // A stream can be sent once only, and S3 says "taken" only when it has all of it.
        const standing = ifAbsent && !(body instanceof Uint8Array) ? await head(key) : undefined;
        if (standing !== undefined && !(body instanceof Uint8Array)) {
          await body.cancel();
          return { stored: false, info: standing };
        }
        const stored = await storeBody(key, body, ifAbsent).catch(rethrow);
        if (stored !== undefined) return { stored: true, info: await told(key, stored) };
        const rival = await head(key);
        if (rival !== undefined) return { stored: false, info: rival };
        if (!(body instanceof Uint8Array)) {
          throw new AppError("Conflict", `object \`${key}\` was deleted while it was stored; send it again`);
        }
      }
    },

    async get(key, range) {
      checkObjectKey(key);
      if (range !== undefined && !isRange(range)) {
        const found = await head(key);
        if (found !== undefined) rangeWithin(found, range);
        return undefined;
      }
      try {
        const found = await client.send(new GetObjectCommand({ Bucket, Key: key, ...rangeHeader(range) }));
        const sizeBytes = wholeSize(found.ContentRange) ?? found.ContentLength;
        const info = infoOf(key, sizeBytes, found.ETag, found.LastModified);
        const body = found.Body?.transformToWebStream() as ReadableStream<Uint8Array> | undefined;
        if (range !== undefined) {
          try {
            rangeWithin(info, range);
          } catch (error) {
            await body?.cancel();
            throw error;
          }
        }
        return { ...info, body: body ?? new Blob([]).stream() };
      } catch (error) {
        if (isAbsent(error)) return undefined;
        if (statusOf(error) !== 416) return rethrow(error);
        const found = await head(key);
        if (found !== undefined) rangeWithin(found, range);
        return undefined;
      }
    },

    async head(key) {
      checkObjectKey(key);
      return head(key);
    },

    async list({ prefix, delimiter, cursor, limit = 1000 }) {
      checkObjectPrefix(prefix);
      checkListLimit(limit);
      const scope = JSON.stringify(["objects", prefix, delimiter ?? ""]);
      const token = cursor === undefined ? undefined : String(decodeCursor(scope, cursor));
      const page = await client
        .send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            MaxKeys: limit,
            // Keys hold characters that XML can't.
            EncodingType: "url",
            ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        )
        .catch(rethrow);
      const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      return {
        objects: (page.Contents ?? []).map((found) =>
          infoOf(decodeKey(found.Key), found.Size, found.ETag, found.LastModified),
        ),
        prefixes: (page.CommonPrefixes ?? []).map((found) => decodeKey(found.Prefix)),
        ...(next === undefined ? {} : { cursor: encodeCursor(scope, next) }),
      };
    },

    delete: remove,

    async copy(from, to) {
      checkObjectKey(from);
      checkObjectKey(to);
      // S3 refuses a copy that changes nothing.
      if (from !== to) await overUnchanged([from], async ([source]) => source && copyOnce(source, to));
      return mustHead(to);
    },

    async compose(parts, key) {
      for (const part of [...parts, key]) checkObjectKey(part);
      await overUnchanged(parts, async (sources) => {
        const [only] = sources;
        const sizeBytes = sources.reduce((sum, source) => sum + source.sizeBytes, 0);
        if (only !== undefined && sources.length === 1) {
          if (only.key !== key) await copyOnce(only, key);
        } else if (sizeBytes < PART_LEAST_BYTES) {
          const bytes = await Promise.all(
            sources.map((source) => (source.sizeBytes === 0 ? new Uint8Array() : read(source, 0, source.sizeBytes))),
          );
          await putBytes(store, key, Buffer.concat(bytes), false);
        } else await putParts(store, key, joinedParts(sources, read), false);
      });
      await remove(parts.filter((part) => part !== key));
      return mustHead(key);
    },

    async sign(operation, key, expiresSec, { sha256 } = {}) {
      checkObjectKey(key);
      const input = { Bucket, Key: key };
      const signed = async (
        command: GetObjectCommand | PutObjectCommand,
        headers: Readonly<Record<string, string>>,
      ) => {
        const unhoistableHeaders = new Set(Object.keys(headers));
        const url = await getSignedUrl(client, command, { expiresIn: expiresSec, unhoistableHeaders });
        return { url, headers, expiresMs: Date.now() + expiresSec * 1000 };
      };
      if (operation === "get") return signed(new GetObjectCommand(input), {});
      if (sha256 === undefined) return signed(new PutObjectCommand(input), {});
      const ChecksumSHA256 = Buffer.from(sha256, "hex").toString("base64");
      // As a signed header it can't be left out or changed; hoisted into the address it would not be looked at.
      return signed(new PutObjectCommand({ ...input, ChecksumSHA256 }), { [CHECKSUM_HEADER]: ChecksumSHA256 });
    },

    localPath(key) {
      checkObjectKey(key);
      return undefined;
    },
  };
}

/** NOTE: heads tell whole seconds, listings may tell more: one object must not have two times. */
function infoOf(
  key: string,
  size: number | undefined,
  etag: string | undefined,
  modified: Date | undefined,
): ObjectInfo {
  const modifiedMs = Math.floor((modified?.getTime() ?? 0) / 1000) * 1000;
  return { key, sizeBytes: size ?? 0, etag: etagOf(etag), modifiedMs };
}

function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 && ["NoSuchKey", "NotFound"].includes(nameOf(error));
}

function rangeHeader(range: ByteRange | undefined): { readonly Range?: string } {
  return range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ""}` };
}

/** The size after the slash of `bytes 2-4/10`. */
function wholeSize(contentRange: string | undefined): number | undefined {
  const size = contentRange?.split("/")[1];
  return size === undefined ? undefined : Number(size);
}

function decodeKey(encoded: string | undefined): string {
  return decodeURIComponent((encoded ?? "").replaceAll("+", "%20"));
}

/** XML has no way to write most control characters, so such keys can't be named in a request's body. */
function isXmlText(key: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(key);
}
