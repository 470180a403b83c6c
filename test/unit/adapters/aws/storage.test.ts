import { CreateRepositoryCommand, ECRClient, PutLifecyclePolicyCommand } from "@aws-sdk/client-ecr";
import { CreateKeyCommand, EncryptCommand, KMSClient, ScheduleKeyDeletionCommand } from "@aws-sdk/client-kms";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { DeleteSecretCommand, GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, expect, test } from "vitest";
import { spreadObjects } from "../../../../src/adapters/aws/objects-spread.ts";
import { openStorage } from "../../../../src/adapters/aws/storage/storage.ts";
import { openHome } from "../../../../src/adapters/local/home.ts";
import { expectCode, makeTempDir } from "../../../helpers/ports.ts";

const s3 = mockClient(S3Client);
const kms = mockClient(KMSClient);
const secrets = mockClient(SecretsManagerClient);
const ecr = mockClient(ECRClient);
const KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234";
const BUCKET = "arn:aws:s3:::theirs";

beforeEach(() => {
  for (const mock of [s3, kms, secrets, ecr]) mock.reset();
  s3.onAnyCommand().resolves({});
  kms.onAnyCommand().resolves({});
  secrets.onAnyCommand().resolves({});
  ecr.onAnyCommand().resolves({});
  kms.on(CreateKeyCommand).resolves({ KeyMetadata: { KeyId: "1234", Arn: KEY } });
});

const region = { region: "eu-central-1" };
let nowMs = 0;
const storage = openStorage({
  s3: new S3Client(region),
  kms: new KMSClient(region),
  secrets: new SecretsManagerClient(region),
  ecr: new ECRClient(region),
  settings: { home: "yard", account: "111122223333", ...region, partition: "aws", studioOrigins: [] },
  newId: () => "0123456789abcdef".repeat(2),
  now: () => nowMs,
  settleMs: 10,
});
const denied = () =>
  Object.assign(new Error("User: x is not authorized"), { name: "AccessDenied", $metadata: { httpStatusCode: 403 } });

test("each thing is on record before the next one is made", async () => {
  const heard: (readonly string[])[] = [];
  const onMade = async (places: object) => void heard.push(Object.keys(places));
  s3.on(PutBucketPolicyCommand).rejects(denied());

  const made = storage.make("w", { bucket: "own", key: "own", repository: "own" }, onMade);

  await expect(made).rejects.toMatchObject({
    code: "Forbidden",
    message: expect.stringContaining("`s3:PutBucketPolicy` to `arn:aws:s3:::yard-ws-0123456789abcdef`"),
  });
  expect(heard).toEqual([["bucket", "repository", "key"]]);
  expect(s3.commandCalls(CreateBucketCommand)[0]?.args[0].input).toEqual({
    Bucket: "yard-ws-0123456789abcdef",
    CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
  });
});

test("a key lets the home's roles use it, and the account administer it", async () => {
  await storage.make("w", { bucket: "own", key: "own" }, async () => undefined);

  const { Policy = "", Tags } = kms.commandCalls(CreateKeyCommand)[0]?.args[0].input ?? {};
  const [admin, use] = JSON.parse(Policy).Statement;
  expect(admin.Principal).toEqual({ AWS: "arn:aws:iam::111122223333:root" });
  expect(use).toMatchObject({
    Action: ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
    Condition: { StringEquals: { "kms:CallerAccount": "111122223333", "aws:PrincipalTag/trainyard:stage": "yard" } },
  });
  expect(Tags).toContainEqual({ TagKey: "trainyard:home", TagValue: "yard" });
});

test.each([
  ["s3:ListBucket", BUCKET, () => s3.on(HeadBucketCommand).rejects(denied())],
  ["s3:PutObject", `${BUCKET}/ws/w/*`, () => s3.on(PutObjectCommand).rejects(denied())],
  ["kms:Encrypt", KEY, () => kms.on(EncryptCommand).rejects(denied())],
  ["secretsmanager:GetSecretValue", "arn:secret", () => secrets.on(GetSecretValueCommand).rejects(denied())],
])("without %s it says so, and which statement gives it", async (right, resource, deny) => {
  const [place, CLOSED] = [{ isOwn: false }, true];
  const flags = { BlockPublicAcls: CLOSED, BlockPublicPolicy: CLOSED, IgnorePublicAcls: CLOSED };
  const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: KEY } }];
  s3.onAnyCommand().resolves({
    Status: "Enabled",
    PublicAccessBlockConfiguration: { ...flags, RestrictPublicBuckets: CLOSED },
    ServerSideEncryptionConfiguration: { Rules },
  } as never);
  kms.onAnyCommand().resolves({
    KeyMetadata: { KeyId: "1234", KeyState: "Enabled", KeySpec: "SYMMETRIC_DEFAULT" },
    Plaintext: new TextEncoder().encode("a probe"),
  } as never);
  secrets.on(GetSecretValueCommand).resolves({ SecretString: "s".repeat(32) });
  deny();

  const places = {
    bucket: { arn: BUCKET, ...place },
    key: { arn: KEY, ...place },
    secret: { arn: "arn:secret", ...place },
  };
  const checked = storage.check("w", places);

  await expect(checked).rejects.toMatchObject({
    code: "Forbidden",
    message: expect.stringContaining(`\`${right}\` to \`${resource}\``),
    details: { hint: expect.stringContaining(JSON.stringify({ Effect: "Allow", Action: right, Resource: resource })) },
  });
});

test("a bucket that takes long to empty is left to the next call; the key goes last, and nothing that was adopted", async () => {
  const bucket = { arn: "arn:aws:s3:::yard-ws-1", isOwn: true };
  s3.on(ListObjectVersionsCommand).callsFake(async () => {
    nowMs += 15_000;
    return { Versions: [{ Key: "k", VersionId: "v" }] };
  });

  await expectCode(() => storage.free("w", { bucket, key: { arn: KEY, isOwn: true } }), "Unavailable");
  expect(s3.commandCalls(DeleteBucketCommand)).toEqual([]);
  expect(kms.commandCalls(ScheduleKeyDeletionCommand)).toEqual([]);
  const [left] = s3.commandCalls(PutBucketLifecycleConfigurationCommand);
  expect(left?.args[0].input.LifecycleConfiguration?.Rules?.[0]).toMatchObject({ Expiration: { Days: 1 } });
  s3.on(ListObjectVersionsCommand).resolves({});
  await storage.free("w", { bucket, key: { arn: KEY, isOwn: true }, secret: { arn: "arn:s", isOwn: false } });

  expect(s3.commandCalls(DeleteBucketCommand)).toHaveLength(1);
  expect(kms.commandCalls(ScheduleKeyDeletionCommand)).toHaveLength(1);
  expect(secrets.commandCalls(DeleteSecretCommand)).toEqual([]);
});

test("a repository is made as the home's own is", async () => {
  await storage.make("w", { repository: "own" }, async () => undefined);

  expect(ecr.commandCalls(CreateRepositoryCommand)[0]?.args[0].input.repositoryName).toBe(
    "yard/workspaces/0123456789abcdef",
  );
  expect(ecr.commandCalls(PutLifecyclePolicyCommand)).toHaveLength(1);
});

test("objects of a workspace with a bucket of its own are there, and all others in the home's", async () => {
  const [temp, other] = [makeTempDir(), makeTempDir()];
  const [home, own] = [await openHome({ dir: temp.path }), await openHome({ dir: other.path })];
  const objects = spreadObjects(home.objects, async (name) => (name === "apart" ? own.objects : undefined));
  const bytes = new TextEncoder().encode("x");
  const keysOf = async (of: typeof objects) => (await of.list({ prefix: "" })).objects.map(({ key }) => key);

  for (const key of ["ws/apart/a", "ws/apart/b", "ws/with/a", "images/c"]) await objects.put(key, bytes);
  await objects.copy("ws/apart/a", "ws/with/copied");
  await objects.copy("ws/with/a", "ws/apart/copied");
  await objects.compose(["ws/apart/a", "ws/apart/copied"], "ws/apart/whole");
  await objects.delete(["ws/apart/b", "images/c"]);

  expect(await keysOf(own.objects)).toEqual(["ws/apart/whole"]);
  expect(await keysOf(home.objects)).toEqual(["ws/with/a", "ws/with/copied"]);
  await expectCode(() => objects.copy("ws/apart/gone", "ws/with/gone"), "NotFound");
  await expect(objects.compose(["ws/with/a"], "ws/apart/x")).rejects.toThrow("different buckets");
  for (const each of [home, own]) await each.close();
  for (const each of [temp, other]) each.remove();
});
