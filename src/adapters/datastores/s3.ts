import type { GetObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { AppError } from "../../contract/errors.ts";
import { baseName, cleanPath, joinPath } from "../../core/files/paths.ts";
import type { Place, PlaceFile } from "../../core/files/place.ts";
import { type ByteRange, type ObjectBody, SIGNED_SEC } from "../../core/ports/objects.ts";
import { writeS3 } from "./s3-write.ts";
import { invalidRange, rangeHeader } from "./shared.ts";
import { checkHost } from "./web-guard.ts";

export interface S3Options {
  readonly bucket: string;
  readonly prefix: string;
  readonly region?: string;
  /** Another server that speaks S3. */
  readonly endpoint?: string;
  /** Absent: what the machine has. */
  readonly credentials?: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
}

type Sdk = typeof import("./s3-sdk.ts");
interface Session {
  readonly sdk: Sdk;
  readonly client: S3Client;
}

interface Listed {
  readonly key: string;
  readonly sizeBytes: number;
  readonly mark: string;
}

/** A bucket, or a prefix of one, as a place. The SDK is loaded with the first use: most homes never need it. */
export function makeS3Place(options: S3Options): Place {
  const root = cleanPath(options.prefix);
  const { bucket } = options;
  const keyOf = (path: string) => joinPath(root, path);
  const folderOf = (path: string) => (keyOf(path) === "" ? "" : `${keyOf(path)}/`);
  let opened: Promise<Session> | undefined;
  const session = () => {
    opened ??= openSession(options);
    return opened;
  };

  async function head(path: string): Promise<Listed | undefined> {
    if (keyOf(path) === "") return undefined;
    const { sdk, client } = await session();
    return absentIfMissing(bucket, async () => {
      const answer = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: keyOf(path) }));
      return { key: keyOf(path), sizeBytes: answer.ContentLength ?? 0, mark: answer.ETag ?? "" };
    });
  }

  async function fileOf(path: string, { key, sizeBytes, mark }: Listed): Promise<PlaceFile> {
    const { sdk, client } = await session();
    const { getSignedUrl } = await import("./s3-sdk.ts");
    const url = await getSignedUrl(client, new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), {
      expiresIn: SIGNED_SEC,
    });
    return { path, sizeBytes, mark, signed: { url, headers: {} } };
  }

  return {
    async list(path, { limit, cursor }) {
      const single = cursor === undefined ? await head(path) : undefined;
      if (single !== undefined) {
        const file = await fileOf(baseName(keyOf(path)), single);
        return { isFile: true, files: [file], links: [], folders: [] };
      }
      const { sdk, client } = await session();
      const prefix = folderOf(path);
      const page = await reached(bucket, () =>
        client.send(
          new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: limit, ContinuationToken: cursor }),
        ),
      );
      const objects = (page.Contents ?? []).flatMap(({ Key, Size, ETag }): Listed[] =>
        // Keys that end in a slash are the console's way to show empty folders.
        Key === undefined || Key.endsWith("/") ? [] : [{ key: Key, sizeBytes: Size ?? 0, mark: ETag ?? "" }],
      );
      if ((page.Contents ?? []).length === 0 && cursor === undefined) return undefined;
      return {
        isFile: false,
        files: await Promise.all(objects.map((object) => fileOf(object.key.slice(prefix.length), object))),
        links: [],
        folders: [],
        ...(page.NextContinuationToken === undefined ? {} : { cursor: page.NextContinuationToken }),
      };
    },
    async open(path, range) {
      if (keyOf(path) === "") return undefined;
      const { sdk, client } = await session();
      return absentIfMissing(
        bucket,
        async () => {
          const Range = range === undefined ? undefined : rangeHeader(range);
          const answer = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: keyOf(path), Range }));
          return bodyOf(path, answer, range);
        },
        range,
        path,
      );
    },
    async browse(path, { limit, cursor }) {
      const { sdk, client } = await session();
      const prefix = folderOf(path);
      const page = await reached(bucket, () =>
        client.send(
          new sdk.ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            Delimiter: "/",
            MaxKeys: limit,
            ContinuationToken: cursor,
          }),
        ),
      );
      const folders = (page.CommonPrefixes ?? []).map(({ Prefix = "" }) => ({
        path: Prefix.slice(prefix.length, -1),
        isFolder: true,
      }));
      const files = (page.Contents ?? []).flatMap(({ Key = "", Size = 0, LastModified }) =>
        Key === prefix
          ? []
          : [
              {
                path: Key.slice(prefix.length),
                isFolder: false,
                sizeBytes: Size,
                ...(LastModified === undefined ? {} : { modifiedMs: LastModified.getTime() }),
              },
            ],
      );
      return {
        entries: [...folders, ...files],
        ...(page.NextContinuationToken === undefined ? {} : { cursor: page.NextContinuationToken }),
      };
    },
    async write(path, body) {
      const { sdk, client } = await session();
      await reached(bucket, () => writeS3({ sdk, client, bucket, key: keyOf(path) }, body));
    },
    async signWrite(path) {
      const { sdk, client } = await session();
      const { getSignedUrl } = await import("./s3-sdk.ts");
      const url = await getSignedUrl(client, new sdk.PutObjectCommand({ Bucket: bucket, Key: keyOf(path) }), {
        expiresIn: SIGNED_SEC,
      });
      return { url, headers: {}, expiresMs: Date.now() + SIGNED_SEC * 1000 };
    },
  };
}

async function openSession(options: S3Options): Promise<Session> {
  if (options.endpoint !== undefined) {
    if (!/^https?:\/\//i.test(options.endpoint) || !URL.canParse(options.endpoint)) {
      throw new AppError("InvalidArgument", `endpoint \`${options.endpoint}\` is not an http or https address`);
    }
    checkHost(new URL(options.endpoint), options.allowPrivate);
  }
  const sdk = await import("./s3-sdk.ts");
  const { access_key_id, secret_access_key, session_token } = options.credentials ?? {};
  const client = new sdk.S3Client({
    region: options.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? "us-east-1",
    followRegionRedirects: true,
    maxAttempts: 3,
    // A signed address would else ask for the checksum of an empty body, whatever is sent to it.
    requestChecksumCalculation: "WHEN_REQUIRED",
    // Servers other than S3 itself answer under one name, and some know no checksums.
    ...(options.endpoint === undefined
      ? {}
      : { endpoint: options.endpoint, forcePathStyle: true, responseChecksumValidation: "WHEN_REQUIRED" }),
    ...(access_key_id === undefined || secret_access_key === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: access_key_id,
            secretAccessKey: secret_access_key,
            ...(session_token === undefined ? {} : { sessionToken: session_token }),
          },
        }),
  });
  return { sdk, client };
}

function bodyOf(path: string, answer: GetObjectCommandOutput, range: ByteRange | undefined): ObjectBody {
  const total =
    range === undefined
      ? answer.ContentLength
      : Number(/\/(\d+)$/.exec(answer.ContentRange ?? "")?.[1] ?? answer.ContentLength);
  return {
    key: path,
    sizeBytes: total ?? -1,
    etag: answer.ETag ?? "",
    modifiedMs: answer.LastModified?.getTime() ?? 0,
    body: answer.Body?.transformToWebStream() ?? new Blob([]).stream(),
  };
}

function nameAndStatus(error: unknown): { name: string; status: number | undefined } {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
  return { name: error instanceof Error ? error.name : "", status };
}

async function absentIfMissing<T>(
  bucket: string,
  work: () => Promise<T>,
  range?: ByteRange,
  path = "",
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const { name, status } = nameAndStatus(error);
    if (name === "NoSuchKey" || (status === 404 && name !== "NoSuchBucket")) return undefined;
    if (status === 416 && range !== undefined) throw invalidRange(range, path);
    throw worded(bucket, error);
  }
}

async function reached<T>(bucket: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw worded(bucket, error);
  }
}

function worded(bucket: string, error: unknown): unknown {
  if (error instanceof AppError) return error;
  const { name, status } = nameAndStatus(error);
  if (name === "InvalidArgument" && status === 400) {
    return new AppError("InvalidCursor", `bucket \`${bucket}\` refused the cursor`, {}, { cause: error });
  }
  const why = error instanceof Error && error.message !== "" ? error.message : name;
  return new AppError("DatastoreUnreachable", `bucket \`${bucket}\` can't be used: ${why}`, {}, { cause: error });
}
