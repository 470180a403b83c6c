import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { AppError } from "../../../contract/errors.ts";
import type { Places } from "../../../core/ports/storage.ts";
import { bucketDrainer } from "../drain/bucket.ts";
import { nameOf } from "../fault.ts";
import { unfit, using } from "./refusal.ts";
import { nameOfArn, type StorageSettings, tagsOf } from "./settings.ts";

const CLOSED = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };
/** How long a large bucket is emptied at a time. */
const EMPTYING_MS = 20_000;

/** Says whose a folder of a bucket is that several homes may use. */
const claimKey = (workspace: string): string => `ws/${workspace}/.trainyard`;
const probeKey = (workspace: string): string => `ws/${workspace}/.probe`;

/** A bucket as the home's own is (lib/stacks/data-stack.ts). */
export async function makeBucket(
  s3: S3Client,
  settings: StorageSettings,
  { workspace, arn, keyArn }: { readonly workspace: string; readonly arn: string; readonly keyArn: string | undefined },
): Promise<void> {
  const Bucket = nameOfArn(arn);
  const { region, studioOrigins } = settings;
  const place = { LocationConstraint: region as BucketLocationConstraint };
  const send = (right: string, work: () => Promise<unknown>) => using({ right: `s3:${right}`, resource: arn }, work);
  await send("CreateBucket", () =>
    s3
      .send(
        new CreateBucketCommand({ Bucket, ...(region === "us-east-1" ? {} : { CreateBucketConfiguration: place }) }),
      )
      // Its name is nobody else's: an answer got lost.
      .catch((error: unknown) => unlessNamed(error, "BucketAlreadyOwnedByYou")),
  );
  await send("PutBucketPublicAccessBlock", () =>
    s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: CLOSED })),
  );
  await send("PutBucketVersioning", () =>
    s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } })),
  );
  await send("PutEncryptionConfiguration", () =>
    s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: encryption(keyArn) })),
  );
  await send("PutBucketPolicy", () => s3.send(new PutBucketPolicyCommand({ Bucket, Policy: tlsOnly(arn) })));
  await send("PutLifecycleConfiguration", () =>
    s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: LIFECYCLE })),
  );
  await send("PutBucketTagging", () =>
    s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [...tagsOf(settings, workspace)] } })),
  );
  if (studioOrigins.length > 0) {
    const CORSConfiguration = { CORSRules: [corsRule(studioOrigins)] };
    await send("PutBucketCORS", () => s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration })));
  }
}

/** That the bucket is kept as the home's own, and takes, gives and deletes; then it is this workspace's. */
export async function checkBucket(
  s3: S3Client,
  { home, account, region }: StorageSettings,
  { workspace, arn, keyArn }: { readonly workspace: string; readonly arn: string; readonly keyArn: string | undefined },
): Promise<void> {
  const Bucket = nameOfArn(arn);
  const use = <T>(right: string, work: () => Promise<T>, below = "") =>
    using({ right: `s3:${right}`, resource: below === "" ? arn : `${arn}/ws/${workspace}/*` }, work);
  const { BucketRegion = region } = await use("ListBucket", () => s3.send(new HeadBucketCommand({ Bucket })));
  if (BucketRegion !== region)
    throw unfit(`bucket \`${Bucket}\` is in ${BucketRegion}`, `the home is in ${region}; take a bucket of that region`);
  await mustBeClosed(s3, Bucket, use);
  await mustBeVersioned(s3, Bucket, use);
  await mustBeEncrypted(s3, { Bucket, keyArn }, use);
  const { Contents = [] } = await use("ListBucket", () =>
    s3.send(new ListObjectsV2Command({ Bucket, Prefix: `ws/${workspace}/`, MaxKeys: 1 })),
  );
  if (Contents.length > 0) {
    throw unfit(
      `bucket \`${Bucket}\` has objects below \`ws/${workspace}/\``,
      "another home's workspace of that name uses it, or did; take another name for the workspace, or remove them",
    );
  }
  const Key = probeKey(workspace);
  const Body = `a probe of ${home}`;
  await use("PutObject", () => s3.send(new PutObjectCommand({ Bucket, Key, Body })), "/");
  const found = await use("GetObject", () => s3.send(new GetObjectCommand({ Bucket, Key })), "/");
  if ((await found.Body?.transformToString()) !== Body)
    throw new AppError("Unavailable", `bucket \`${Bucket}\` gave other bytes than it was given`);
  await use("DeleteObject", () => s3.send(new DeleteObjectCommand({ Bucket, Key })), "/");
  await claim(s3, { Bucket, workspace, owner: JSON.stringify({ home, account, region, workspace }) }, use);
}

type UseBucket = <T>(right: string, work: () => Promise<T>, below?: string) => Promise<T>;

async function claim(
  s3: S3Client,
  { Bucket, workspace, owner }: { readonly Bucket: string; readonly workspace: string; readonly owner: string },
  use: UseBucket,
): Promise<void> {
  const Key = claimKey(workspace);
  try {
    const command = new PutObjectCommand({ Bucket, Key, Body: owner, IfNoneMatch: "*" });
    await use("PutObject", () => s3.send(command), "/");
  } catch (error) {
    if (nameOf(error) !== "PreconditionFailed") throw error;
    const standing = await use("GetObject", () => s3.send(new GetObjectCommand({ Bucket, Key })), "/");
    // The answer to our own claim got lost.
    if ((await standing.Body?.transformToString()) === owner) return;
    throw unfit(`bucket \`${Bucket}\` has just been taken by another home's \`${workspace}\``, "take another name");
  }
}

async function mustBeClosed(s3: S3Client, Bucket: string, use: UseBucket): Promise<void> {
  const found = await use("GetBucketPublicAccessBlock", () =>
    s3.send(new GetPublicAccessBlockCommand({ Bucket })).catch(unlessNone),
  );
  const flags = found?.PublicAccessBlockConfiguration as Readonly<Record<string, boolean>> | undefined;
  if (Object.keys(CLOSED).every((name) => flags?.[name] === true)) return;
  throw unfit(
    `bucket \`${Bucket}\` does not block all public access`,
    `aws s3api put-public-access-block --bucket ${Bucket} --public-access-block-configuration ${Object.keys(CLOSED)
      .map((name) => `${name}=true`)
      .join(",")}`,
  );
}

async function mustBeVersioned(s3: S3Client, Bucket: string, use: UseBucket): Promise<void> {
  const { Status } = await use("GetBucketVersioning", () => s3.send(new GetBucketVersioningCommand({ Bucket })));
  if (Status === "Enabled") return;
  throw unfit(
    `bucket \`${Bucket}\` does not keep older versions`,
    `aws s3api put-bucket-versioning --bucket ${Bucket} --versioning-configuration Status=Enabled`,
  );
}

async function mustBeEncrypted(
  s3: S3Client,
  { Bucket, keyArn }: { readonly Bucket: string; readonly keyArn: string | undefined },
  use: UseBucket,
): Promise<void> {
  const found = await use("GetEncryptionConfiguration", () =>
    s3.send(new GetBucketEncryptionCommand({ Bucket })).catch(unlessNone),
  );
  const rule = found?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
  const { SSEAlgorithm, KMSMasterKeyID = "" } = rule ?? {};
  if (keyArn === undefined && SSEAlgorithm === "AES256") return;
  if (keyArn !== undefined && SSEAlgorithm === "aws:kms" && [keyArn, keyArn.split("/")[1]].includes(KMSMasterKeyID))
    return;
  const isBy =
    SSEAlgorithm === undefined ? "not encrypted by default" : `encrypted by ${SSEAlgorithm} ${KMSMasterKeyID}`;
  throw unfit(
    `bucket \`${Bucket}\` is ${isBy.trim()}`,
    keyArn === undefined
      ? "take one that is encrypted by AES256 (SSE-S3), or name the key of its encryption too: `--kms-key ARN`"
      : `its default encryption has to be by \`${keyArn}\`, which is the workspace's key`,
  );
}

/** Gives the workspace's folder back, or, of the workspace's own bucket, removes it with all that is in it. Throws Unavailable where that takes longer: another call goes on. */
export async function freeBucket(
  s3: S3Client,
  { workspace, place }: { readonly workspace: string; readonly place: NonNullable<Places["bucket"]> },
  now: () => number,
): Promise<void> {
  const Bucket = nameOfArn(place.arn);
  if (!place.isOwn) {
    await s3.send(new DeleteObjectCommand({ Bucket, Key: claimKey(workspace) })).catch(unlessGone);
    return;
  }
  const untilMs = now() + EMPTYING_MS;
  const drainer = bucketDrainer({ client: s3, bucket: Bucket });
  while ((await drainer.step()).length > 0) {
    if (now() <= untilMs) continue;
    // The service itself goes on, at no charge, and is done in a day or two.
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: EMPTYING }));
    throw new AppError("Unavailable", `bucket \`${Bucket}\` is being emptied`);
  }
  await s3.send(new DeleteBucketCommand({ Bucket })).catch(unlessGone);
}

function encryption(keyArn: string | undefined) {
  const by =
    keyArn === undefined
      ? { SSEAlgorithm: "AES256" as const }
      : { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: keyArn };
  return { Rules: [{ ApplyServerSideEncryptionByDefault: by, BucketKeyEnabled: keyArn !== undefined }] };
}

function tlsOnly(arn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Deny",
        Principal: { AWS: "*" },
        Action: "s3:*",
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}

const LIFECYCLE = {
  Rules: [
    {
      ID: "unfinished-uploads",
      Status: "Enabled" as const,
      Filter: { Prefix: "" },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
    },
    {
      ID: "colder",
      Status: "Enabled" as const,
      Filter: { ObjectSizeGreaterThan: 128 * 1024 },
      Transitions: [{ Days: 30, StorageClass: "INTELLIGENT_TIERING" as const }],
    },
    {
      ID: "older-versions",
      Status: "Enabled" as const,
      Filter: { Prefix: "" },
      NoncurrentVersionExpiration: { NoncurrentDays: 30 },
      Expiration: { ExpiredObjectDeleteMarker: true },
    },
  ],
};

/** A version that expires becomes an older one, and the markers that are left go when nothing is below them. */
const EMPTYING = {
  Rules: [
    {
      ID: "all",
      Status: "Enabled" as const,
      Filter: { Prefix: "" },
      Expiration: { Days: 1 },
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    },
    {
      ID: "markers",
      Status: "Enabled" as const,
      Filter: { Prefix: "" },
      Expiration: { ExpiredObjectDeleteMarker: true },
    },
  ],
};

function corsRule(origins: readonly string[]) {
  return {
    AllowedOrigins: [...origins],
    AllowedMethods: ["GET", "HEAD", "PUT"],
    AllowedHeaders: ["*"],
    ExposeHeaders: ["ETag", "Content-Range", "Content-Length"],
    MaxAgeSeconds: 3600,
  };
}

function unlessNone(error: unknown): undefined {
  if (!/^(?:NoSuchPublicAccessBlock|ServerSideEncryption)Configuration/.test(nameOf(error))) throw error;
  return undefined;
}

function unlessGone(error: unknown): undefined {
  return unlessNamed(error, "NoSuchBucket");
}

function unlessNamed(error: unknown, name: string): undefined {
  if (nameOf(error) !== name) throw error;
  return undefined;
}
