import { join } from "node:path";
import { CreateRepositoryCommand, DescribeRepositoriesCommand, ECRClient } from "@aws-sdk/client-ecr";
import { CreateKeyCommand, DescribeKeyCommand, KMSClient, ListKeysCommand } from "@aws-sdk/client-kms";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketEncryptionCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openBuckets } from "../../lambdas/home/s3.ts";
import { makeCredentials } from "../../src/adapters/aws/credentials.ts";
import { bucketDrainer } from "../../src/adapters/aws/drain/bucket.ts";
import { openHomeKey } from "../../src/adapters/aws/home-key.ts";
import { nameOfArn } from "../../src/adapters/aws/storage/settings.ts";
import { openStorage } from "../../src/adapters/aws/storage/storage.ts";
import { openVault } from "../../src/adapters/aws/vault.ts";
import { openHome } from "../../src/adapters/local/home.ts";
import { AppError } from "../../src/contract/errors.ts";
import type { StorageSpec, Workspace } from "../../src/contract/workspaces.ts";
import { signUserToken } from "../../src/core/auth/tokens.ts";
import { freeWorkspaces } from "../../src/core/workspaces/delete-workspace.ts";
import { openStores } from "../../src/home/stores.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { makePlacesOf } from "../../src/store/workspace-storage.ts";
import { sha256Of } from "../helpers/api.ts";
import { type Faults, injectFaults, QUICK_RETRY } from "../helpers/aws-faults.ts";
import { handleAsAws } from "../helpers/aws-home.ts";
import { makeTempDir, unique } from "../helpers/ports.ts";
import { AWS, startMinistack } from "./ministack.ts";

const ACCOUNT = "000000000000";
const HOME_BUCKET = "objects-of-the-home";
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let emulator: Awaited<ReturnType<typeof startMinistack>>;
let s3: S3Client;
let kms: KMSClient;
let secrets: SecretsManagerClient;
let ecr: ECRClient;
let faults: Readonly<Record<"s3" | "kms" | "secrets" | "ecr", Faults>>;
let homeKey: ReturnType<typeof openHomeKey>;

beforeAll(async () => {
  emulator = await startMinistack();
  const at = { ...AWS, endpoint: emulator.endpoint, retryStrategy: QUICK_RETRY };
  // What `openBuckets` finds in a function.
  process.env.AWS_ENDPOINT_URL = emulator.endpoint;
  process.env.AWS_ACCESS_KEY_ID = process.env.AWS_SECRET_ACCESS_KEY = "test";
  process.env.AWS_REGION = AWS.region;
  s3 = new S3Client({ ...at, forcePathStyle: true });
  kms = new KMSClient(at);
  secrets = new SecretsManagerClient(at);
  ecr = new ECRClient(at);
  faults = { s3: injectFaults(s3), kms: injectFaults(kms), secrets: injectFaults(secrets), ecr: injectFaults(ecr) };
  await s3.send(new CreateBucketCommand({ Bucket: HOME_BUCKET }));
  const made = await secrets.send(new CreateSecretCommand({ Name: "home", SecretString: "h".repeat(64) }));
  homeKey = openHomeKey({ client: secrets, secretId: made.ARN ?? "" });
});
afterAll(() => emulator?.stop());

/** The AWS home over the emulator's buckets, keys, secrets and repositories; its records are in a file, and its clock goes as it is told. */
async function openAwsHome(name = "yard") {
  const temp = makeTempDir();
  const local = await openHome({ dir: join(temp.path, "home") });
  onTestFinished(async () => {
    await local.close();
    temp.remove();
  });
  let aheadMs = 0;
  let fault: Error | undefined;
  const clock = { now: () => local.clock.now() + aheadMs };
  const { table, ids } = local;
  const placesOf = makePlacesOf({ table, clock });
  const settings = { home: name, account: ACCOUNT, region: AWS.region, partition: "aws", studioOrigins: ["*"] };
  const storage = openStorage({ s3, kms, secrets, ecr, settings, newId: ids.hex32, now: clock.now, settleMs: 10_000 });
  const vault = openVault({
    table,
    homeKey,
    keyOf: async (workspace) => {
      const { secret } = (await placesOf(workspace)) ?? {};
      return secret === undefined ? undefined : openHomeKey({ client: secrets, secretId: secret.arn });
    },
  });
  const ground = {
    ...local,
    clock,
    vault,
    placesOf,
    objects: openBuckets({ bucketName: HOME_BUCKET, hasOneEndpoint: true }, placesOf),
    storage: {
      ...storage,
      settle: async () => {
        aheadMs += 10_000;
        if (fault !== undefined) throw fault;
      },
      free: async (...args: Parameters<typeof storage.free>) => {
        if (fault !== undefined) throw fault;
        await storage.free(...args);
      },
    },
    activity: makeActivityWrite({ ...local, clock }),
    log: { info: () => undefined, fault: (message: string, error: unknown) => console.error(message, error) },
    address: () => "http://home.test",
  };
  const stores = openStores(ground);
  const handle = handleAsAws(ground);
  const token = await signUserToken(local.signer, { name: "owner", roles: { "*": "owner" }, id: "o" });
  async function ask(method: string, path: string, body?: unknown) {
    const isBytes = body instanceof Uint8Array;
    const response = await handle(
      new Request(`http://home.test/api/v1/workspaces/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": isBytes ? "x/y" : "application/json" },
        ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
      }),
    );
    // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
    return { status: response.status, json: (await response.json().catch(() => undefined)) as any };
  }
  return {
    ask,
    table,
    vault,
    stores,
    placesOf,
    put: (workspace: string, storage?: StorageSpec) => ask("PUT", workspace, storage === undefined ? {} : { storage }),
    free: () => freeWorkspaces({ ...ground, ...stores }),
    fail: (error: Error | undefined) => {
      fault = error;
    },
    pass: (ms: number) => {
      aheadMs += ms;
    },
  };
}

async function keysIn(Bucket: string): Promise<readonly string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key = "" }) => Key);
}

/** A bucket as an account's owner would have made it. */
async function makeBucket({ isReady = true } = {}): Promise<string> {
  const Bucket = unique("theirs").toLowerCase();
  await s3.send(new CreateBucketCommand({ Bucket }));
  if (isReady) await makeReady(Bucket);
  return Bucket;
}

async function makeReady(Bucket: string): Promise<void> {
  const flags = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };
  const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" as const } }];
  await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: flags }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
}

const arnOf = (bucket: string): string => `arn:aws:s3:::${bucket}`;
const blob = (text: string) => [`blobs/${sha256Of(text)}`, new TextEncoder().encode(text)] as const;
const s3Store = {
  type: "s3",
  bucket: "somewhere",
  credentials: { access_key_id: "AKIA", secret_access_key: "hunter2hunter2" },
};

describe("a workspace with everything of its own", () => {
  const EVERYTHING = { bucket: "own", key: "own", secret: "own", repository: "own" } as const;

  test("keeps its bytes, secrets and images there, and frees it all after it was deleted", async () => {
    const home = await openAwsHome();
    const { status, json } = await home.put("Team", EVERYTHING);
    expect({ status, json }).toMatchObject({ status: 200, json: { storage: { bucket: { is_own: true } } } });
    const { bucket, key, secret, repository } = (json as Workspace).storage ?? {};
    const Bucket = nameOfArn(bucket?.arn ?? "");

    const [path, bytes] = blob("of the team");
    await home.ask("PUT", `Team/${path}`, bytes);
    expect((await home.ask("PUT", "Team/datastores/theirs", s3Store)).json).toMatchObject({ name: "theirs" });

    expect(Bucket).toMatch(/^yard-ws-[0-9a-f]{16}$/);
    expect(await keysIn(Bucket)).toContainEqual(expect.stringContaining(sha256Of("of the team")));
    expect((await keysIn(HOME_BUCKET)).filter((each) => each.startsWith("ws/Team/"))).toEqual([]);
    const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    expect(encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault).toMatchObject({
      SSEAlgorithm: "aws:kms",
      KMSMasterKeyID: key?.arn,
    });
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled");
    expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toContain("aws:SecureTransport");
    const byHomeKey = openVault({ table: home.table, homeKey });
    await expect(byHomeKey.get("datastores/Team/theirs")).rejects.toMatchObject({ code: "Unavailable" });
    expect(await home.vault.get("datastores/Team/theirs")).toContain("hunter2hunter2");

    expect((await home.ask("DELETE", "Team?contents=true")).status).toBe(200);
    home.pass(6 * DAY_MS);
    await home.free();
    await s3.send(new HeadBucketCommand({ Bucket }));
    home.pass(2 * DAY_MS);
    await home.free();

    await expect(s3.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({ name: "NotFound" });
    const described = await kms.send(new DescribeKeyCommand({ KeyId: key?.arn }));
    expect(described.KeyMetadata?.KeyState).toBe("PendingDeletion");
    expect((await secrets.send(new DescribeSecretCommand({ SecretId: secret?.arn }))).DeletedDate).toBeDefined();
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}));
    expect(repositories.map(({ repositoryArn }) => repositoryArn)).not.toContain(repository?.arn);
    expect(await home.vault.list("datastores/Team/")).toEqual([]);
  });

  test("is asked for the same again, and for nothing else", async () => {
    const home = await openAwsHome();
    const first = await home.put("same", { bucket: "own" });

    const again = await home.put("same", { bucket: "own" });
    const words = await home.ask("PUT", "same", { description: "words" });
    const other = await home.put("same", { bucket: "own", key: "own" });
    const plain = await home.put("default", { bucket: "own" });

    expect(again.json.storage).toEqual(first.json.storage);
    expect(words.json).toMatchObject({ description: "words", storage: first.json.storage });
    expect([other, plain].map(({ status, json }) => [status, json.code])).toEqual([
      [409, "Conflict"],
      [409, "Conflict"],
    ]);
  });

  test("is cleared away by a later round where it was cut short, and nothing could be done about it then", async () => {
    const home = await openAwsHome("cut");
    const made = async () => (await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name = "" }) => Name) ?? [];
    home.fail(new AppError("Unavailable", "the function's time is over"));

    const cut = await home.put("short", { bucket: "own" });
    const [left] = await home.stores.storages.list();
    home.fail(undefined);
    await home.free();
    const stillThere = (await made()).filter((name) => name.startsWith("cut-ws-"));
    home.pass(6 * MINUTE_MS);
    await home.free();

    expect([cut.status, left?.state, stillThere]).toEqual([503, "making", [nameOfArn(left?.places.bucket?.arn ?? "")]]);
    expect((await made()).filter((name) => name.startsWith("cut-ws-"))).toEqual([]);
    home.pass(2 * MINUTE_MS);
    await home.free();
    expect(await home.stores.storages.list()).toEqual([]);
    expect((await home.put("short")).status).toBe(200);
  });

  test("leaves its name for a moment, in which another process may still know where it was", async () => {
    const home = await openAwsHome();
    await home.put("brief", { bucket: "own" });
    expect((await home.ask("DELETE", "brief")).status).toBe(200);

    const soon = await home.put("brief");
    home.pass(2 * MINUTE_MS);
    const later = await home.put("brief");

    expect([soon.status, soon.json.code, later.status]).toEqual([409, "Conflict", 200]);
    expect(later.json.storage).toBeUndefined();
  });
});

describe("one request that fails", () => {
  const S3 = [
    ...["CreateBucket", "PutPublicAccessBlock", "PutBucketVersioning", "PutBucketEncryption", "PutBucketPolicy"],
    ...["PutBucketLifecycleConfiguration", "PutBucketTagging", "PutBucketCors", "HeadBucket", "GetPublicAccessBlock"],
    ...["GetBucketVersioning", "GetBucketEncryption", "ListObjectsV2", "PutObject", "GetObject", "DeleteObject"],
  ];
  const requests = Object.entries({
    s3: S3,
    kms: ["CreateKey", "DescribeKey", "Encrypt", "Decrypt"],
    secrets: ["CreateSecret", "GetSecretValue"],
    ecr: ["CreateRepository", "PutLifecyclePolicy", "DescribeRepositories"],
  }).flatMap(([client, names]) => names.map((name) => [client as keyof typeof faults, name] as const));
  const everything = { bucket: "own", key: "own", secret: "own", repository: "own" } as const;

  /** What a home's workspaces have, by what the services say. */
  async function leftOf(name: string): Promise<readonly string[]> {
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}));
    const { SecretList = [] } = await secrets.send(new ListSecretsCommand({}));
    const { Keys = [] } = await kms.send(new ListKeysCommand({}));
    const keys = await Promise.all(Keys.map(({ KeyId }) => kms.send(new DescribeKeyCommand({ KeyId }))));
    return [
      ...Buckets.map((each) => each.Name ?? "").filter((each) => each.startsWith(`${name}-ws-`)),
      ...repositories.map((each) => each.repositoryName ?? "").filter((each) => each.startsWith(`${name}/`)),
      ...SecretList.flatMap((each) => (each.DeletedDate === undefined ? [each.Name ?? ""] : [])).filter((each) =>
        each.startsWith(`${name}/`),
      ),
      ...keys.flatMap(({ KeyMetadata: key }) =>
        key?.KeyState === "Enabled" && key.Description?.startsWith(`Trainyard ${name},`) ? [key.Arn ?? ""] : [],
      ),
    ];
  }

  test.each(requests)("of %s, %s, for want of a right: nothing stays", async (client, command) => {
    const name = unique("home").toLowerCase();
    const home = await openAwsHome(name);
    faults[client].arm(command, "denied", 100);

    const { status } = await home.put("denied", everything);
    faults[client].disarm();

    expect([status, await leftOf(name)]).toEqual([403, []]);
    expect((await home.ask("GET", "denied")).status).toBe(404);
  });

  // A key whose making was not answered can't be told from one that was not made.
  const repeated = requests.filter(([, command]) => /^(?:Create(?!Key)|PutObject|DeleteObject)/.test(command));
  test.each(repeated)(
    "of %s, %s, whose answer gets lost: it is repeated, and all is there once",
    async (client, command) => {
      const name = unique("home").toLowerCase();
      const home = await openAwsHome(name);
      faults[client].arm(command, "lost");

      const { status } = await home.put("repeated", everything);
      const fired = faults[client].fired();
      faults[client].disarm();

      expect([status, fired, (await leftOf(name)).length]).toEqual([200, 1, 4]);
    },
  );
});

describe("a workspace with what was there before", () => {
  test("uses it, and leaves it when it goes", async () => {
    const home = await openAwsHome();
    const bucket = await makeBucket();
    const made = await secrets.send(new CreateSecretCommand({ Name: unique("s"), SecretString: "s".repeat(40) }));
    const { repository } = await ecr.send(new CreateRepositoryCommand({ repositoryName: unique("theirs") }));
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "of/somebody", Body: "else" }));
    const storage = { bucket: arnOf(bucket), secret: made.ARN ?? "", repository: repository?.repositoryArn ?? "" };

    const { status, json } = await home.put("lent", storage);
    await home.ask("PUT", "lent/blobs/".concat(sha256Of("lent")), new TextEncoder().encode("lent"));
    expect({ status, storage: json.storage }).toMatchObject({
      status: 200,
      storage: { bucket: { arn: arnOf(bucket), is_own: false }, secret: { is_own: false } },
    });
    expect(await keysIn(bucket)).toContainEqual(expect.stringContaining(sha256Of("lent")));
    const lent: object[] = [];
    const sts = { send: async (command: object) => lent.push(command), config: {} };
    const ownOf = async (workspace: string) => {
      const { bucket } = (await home.placesOf(workspace)) ?? {};
      return bucket === undefined ? undefined : { bucket: nameOfArn(bucket.arn) };
    };
    const settings = { roleArn: "arn:aws:iam::000000000000:role/jobs" };
    const credentials = makeCredentials({ sts: sts as never, bucket: HOME_BUCKET, settings, ownOf });
    await credentials.lend("run", ["ws/lent/artifacts/0/r/"]).catch(() => undefined);
    expect(JSON.stringify(lent)).toContain(`arn:aws:s3:::${bucket}/ws/lent/artifacts/0/r/*`);
    expect(JSON.stringify(lent)).not.toContain(HOME_BUCKET);

    await home.ask("DELETE", "lent?contents=true");
    home.pass(8 * DAY_MS);
    await home.free();

    expect(await keysIn(bucket)).toEqual(["of/somebody"]);
    await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [repository?.repositoryName ?? ""] }));
    expect((await secrets.send(new DescribeSecretCommand({ SecretId: made.ARN }))).DeletedDate).toBeUndefined();
  });

  test("is refused in a sentence what it can't use, and nothing of it stays", async () => {
    const home = await openAwsHome("strict");
    const bucket = await makeBucket({ isReady: false });
    const short = await secrets.send(new CreateSecretCommand({ Name: unique("s"), SecretString: "short" }));
    const key = await kms.send(new CreateKeyCommand({}));
    const elsewhere = `arn:aws:ecr:eu-west-1:${ACCOUNT}:repository/r`;
    const refusal = async (storage: StorageSpec) => {
      home.pass(2 * MINUTE_MS);
      const { status, json } = await home.put("refused", storage);
      return `${status} ${json.message ?? json.detail}; ${json.hint}`;
    };

    expect(await refusal({ bucket: arnOf("nobody-has-this") })).toMatch(/^400 .*nobody-has-this.* is not there/);
    expect(await refusal({ bucket: arnOf(bucket) })).toMatch(/^400 .*does not block all public access; aws s3api/);
    expect(await refusal({ bucket: "own", secret: short.ARN ?? "" })).toMatch(/^400 .*has 5 characters/);
    expect(await refusal({ bucket: "own", repository: elsewhere })).toMatch(/^400 .*of another registry/);
    await makeReady(bucket);
    expect(await refusal({ bucket: arnOf(bucket), key: key.KeyMetadata?.Arn ?? "" })).toMatch(/^400 .*AES256/);
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "ws/refused/x", Body: "of another" }));
    expect(await refusal({ bucket: arnOf(bucket) })).toMatch(/^400 .*has objects below `ws\/refused\/`/);

    expect((await home.ask("GET", "refused")).status).toBe(404);
    expect(await keysIn(bucket)).toEqual(["ws/refused/x"]);
    expect(await home.stores.storages.list()).toMatchObject([{ workspace: "refused", state: "freed", places: {} }]);
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}));
    expect(repositories.filter(({ repositoryName = "" }) => repositoryName.startsWith("strict/"))).toEqual([]);
  });

  test("says in a sentence that its bucket is gone", async () => {
    const home = await openAwsHome();
    const bucket = await makeBucket();
    await home.put("orphan", { bucket: arnOf(bucket) });
    const drainer = bucketDrainer({ client: s3, bucket });
    while ((await drainer.step()).length > 0);
    await s3.send(new DeleteBucketCommand({ Bucket: bucket }));

    const [path, bytes] = blob("lost");
    const { status, json } = await home.ask("PUT", `orphan/${path}`, bytes);

    expect([status, json.detail]).toEqual([503, expect.stringContaining(`bucket \`${bucket}\` can't be used`)]);
  });

  test("has a folder of a bucket to itself, though homes share the bucket", async () => {
    const [one, two] = [await openAwsHome("one"), await openAwsHome("two")];
    const bucket = arnOf(await makeBucket());

    const answers = [await one.put("w", { bucket }), await two.put("w", { bucket }), await two.put("v", { bucket })];

    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200]);
  });
});
