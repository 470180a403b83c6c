import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  DescribeComputeEnvironmentsCommand,
  DescribeJobQueuesCommand,
} from "@aws-sdk/client-batch";
import { CloudWatchLogsClient, CreateLogGroupCommand, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { DescribeImagesCommand, DescribeRepositoriesCommand, ECRClient } from "@aws-sdk/client-ecr";
import { EventBridgeClient, ListRulesCommand } from "@aws-sdk/client-eventbridge";
import { CreateFunctionCommand, LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import {
  GetBucketNotificationConfigurationCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketNotificationConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { ListSecretsCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateTopicCommand, ListTopicsCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { HOME_TAG } from "../../src/adapters/aws/batch/settings.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { type Client, makeClient } from "../../src/client/client.ts";
import { uploadTree } from "../../src/client/trees.ts";
import {
  computes,
  data,
  datastores,
  files,
  home,
  jobs,
  me,
  onlineEndpoints,
  schedules,
  secrets,
  signIn,
  tokens,
  trees,
} from "../../src/contract/routes/index.ts";
import type { ScheduleSpec } from "../../src/contract/schedules.ts";
import { treeText } from "../../src/contract/trees.ts";
import type { Workspace } from "../../src/contract/workspaces.ts";
import type { PersonalClaims } from "../../src/core/auth/tokens.ts";
import { yard } from "../helpers/cli.ts";
import { expectCode, until } from "../helpers/ports.ts";
import { askByIam, type Deployment, deploy } from "./deployment.ts";
import { openEdgeStore } from "./edge-server.ts";
import { resolveLocalhost } from "./localhost-names.ts";
import { loopbackFetch } from "./loopback-fetch.ts";
import { AWS } from "./ministack.ts";

resolveLocalhost();
let deployment: Deployment;
let client: Client;
const workspace = "default";
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

beforeAll(async () => {
  deployment = await deploy();
  client = makeClient({ url: deployment.url, token: deployment.token, fetch: loopbackFetch });
}, 180_000);

afterAll(() => deployment?.cleanup());

/** An MLflow call, as its client makes it. */
async function mlflow<T>(path: string, body: object): Promise<T> {
  const headers = { authorization: `Bearer ${deployment.token}`, "content-type": "application/json" };
  const url = `${deployment.url}/w/default/api/2.0/mlflow/${path}`;
  const response = await loopbackFetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

describe("a deployed home", () => {
  test("says what it is without a token", async () => {
    const health = await loopbackFetch(`${deployment.url}/w/default/health`);
    const anonymous = makeClient({ url: deployment.url, fetch: loopbackFetch });

    expect(health.status).toBe(200);
    expect(await anonymous.call(home.version, {})).toMatchObject({ home: "aws" });
    expect((await anonymous.call(signIn.get, {})).oidc).toMatchObject({
      issuer: expect.stringMatching(/^https:\/\/cognito-idp\./),
      client_id: expect.stringMatching(/\w+/),
    });
  });

  test.each([
    ["no token", {}],
    ["a forged token", { authorization: "Bearer e30.AAAA" }],
    ["a token of no form", { authorization: "Digest x" }],
  ])("answers 401 to %s, inside and outside of a workspace", async (_, headers) => {
    for (const path of ["/api/v1/workspaces", "/w/default/api/2.0/mlflow/experiments/search", "/nowhere"]) {
      const response = await loopbackFetch(deployment.url + path, { headers });

      expect(response.status).toBe(401);
    }
  });

  // NOTE: the emulator takes any signature with a key that it knows, which a real gateway does not; who signed is told as there.
  test("trades an AWS signature for a token, and believes nobody whom the gateway does not name", async () => {
    const address = `${deployment.url}/api/v1/sign-in/iam`;
    const body = { name: "signed" };
    const signed = await askByIam(deployment.url, "/api/v1/sign-in/iam", body);
    const second = await askByIam(deployment.url, "/api/v1/bootstrap", { ...body, person: "mallory" });
    const unknownKey = await askByIam(deployment.url, "/api/v1/sign-in/iam", body, "AKIAUNKNOWN");
    const unsigned = await loopbackFetch(address, { method: "POST", body: JSON.stringify(body) });
    const byToken = await loopbackFetch(address, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${deployment.token}`, "content-type": "application/json" },
    });
    const elsewhere = await askByIam(deployment.url, "/api/v1/tokens", body);
    const { token } = JSON.parse(signed.text) as { readonly token: string };
    const who = await makeClient({ url: deployment.url, token, fetch: loopbackFetch }).call(me.get, {});

    expect([signed.status, who.name]).toEqual([201, "user:owner"]);
    expect([second.status, unknownKey.status, unsigned.status, byToken.status, elsewhere.status]).toEqual([
      409, 401, 403, 403, 401,
    ]);
  });

  test("tracks: an experiment, a run, its metrics, and a search that finds it at once", async () => {
    const { experiment_id } = await mlflow<{ experiment_id: string }>("experiments/create", { name: "in-aws" });
    const { run } = await mlflow<{ run: { info: { run_id: string; artifact_uri: string } } }>("runs/create", {
      experiment_id,
      start_time: 1,
    });
    const { run_id } = run.info;
    const metrics = Array.from({ length: 1000 }, (_, step) => ({
      key: `m${step % 20}`,
      value: step / 7,
      timestamp: step,
      step,
    }));
    await mlflow("runs/log-batch", { run_id, metrics });
    await mlflow("runs/log-batch", { run_id, params: [{ key: "lr", value: "0.1" }] });
    await mlflow("runs/update", { run_id, status: "FINISHED", end_time: 2 });

    const found = await mlflow<{ runs: { info: { run_id: string; status: string } }[] }>("runs/search", {
      experiment_ids: [experiment_id],
      filter: "metrics.m19 > 142 and params.lr = '0.1'",
      max_results: 10,
    });
    const none = await mlflow<{ runs?: unknown[] }>("runs/search", {
      experiment_ids: [experiment_id],
      filter: "metrics.m19 > 143",
    });

    expect(found.runs).toMatchObject([{ info: { run_id, status: "FINISHED" } }]);
    expect(none.runs ?? []).toEqual([]);
  });

  test("takes a file that no request carries, past the API", async () => {
    const large = new Uint8Array(9_000_000).fill(7);
    const hash = createHash("sha256").update(large).digest("hex");
    const entries = [{ kind: "file" as const, path: "large.bin", sha256: hash, size_bytes: large.byteLength }];
    const id = sha256(treeText(entries));

    const sent = await uploadTree(client, workspace, { id, entries, read: async () => large });
    const [found] = (await client.call(files.list, { params: { workspace }, query: { uri: sent.tree.uri } })).items;
    const back = await loopbackFetch(found?.url ?? "");

    expect(sent).toMatchObject({ sentFiles: 1, sentBytes: large.byteLength, tree: { id } });
    expect(Buffer.compare(Buffer.from(await back.arrayBuffer()), Buffer.from(large))).toBe(0);
  });

  test("keeps a tree: blobs go in, its text and its bytes come out", async () => {
    const content = "print('hello')\n";
    const entries = [
      { kind: "file" as const, path: "src/train.py", sha256: sha256(content), size_bytes: Buffer.byteLength(content) },
    ];
    const id = sha256(treeText(entries));
    const { missing } = await client.call(trees.missing, {
      params: { workspace },
      body: { hashes: [sha256(content)] },
    });
    const put = await client.raw(`/api/v1/workspaces/default/blobs/${sha256(content)}`, {
      method: "PUT",
      body: new TextEncoder().encode(content),
    });

    const made = await client.call(trees.put, { params: { workspace, id }, body: { entries } });
    const read = await client.call(trees.get, { params: { workspace, id }, query: { entries: "true" } });
    const zip = await client.raw(`/api/v1/workspaces/default/trees/${id}/zip`);

    expect(missing).toEqual([sha256(content)]);
    expect(put.status).toBe(200);
    expect(made).toMatchObject({ id, file_count: 1 });
    expect(read.entries).toEqual(entries);
    expect(
      Buffer.from(await new Response(zip.body).arrayBuffer())
        .subarray(0, 2)
        .toString(),
    ).toBe("PK");
  });

  test("takes and gives a file larger than a function can carry, by signed addresses", async () => {
    const uri = "azureml://datastores/workspaceblobstore/paths/large";
    const bytes = new Uint8Array(7 * 1024 * 1024).fill(7);
    const { files: [upload] = [] } = await client.call(files.uploads, {
      params: { workspace },
      body: { uri, files: [{ path: "a.bin", size_bytes: bytes.byteLength }] },
    });

    const sent = await loopbackFetch(upload?.url ?? "", { method: "PUT", body: bytes, headers: upload?.headers ?? {} });
    const { items } = await client.call(files.list, { params: { workspace }, query: { uri } });
    const signed = await loopbackFetch(items[0]?.url ?? "");
    const whole = () => client.raw(`/api/v1/workspaces/default/content?uri=${encodeURIComponent(`${uri}/a.bin`)}`);

    expect(sent.status).toBe(200);
    expect(items).toMatchObject([{ path: "a.bin", size_bytes: bytes.byteLength }]);
    expect((await signed.bytes()).byteLength).toBe(bytes.byteLength);
    await expectCode(whole, "TooLarge");
  });

  test("keeps a secret, and shows it to nobody", async () => {
    const spec = {
      type: "s3" as const,
      bucket: "somewhere",
      credentials: { access_key_id: "AKIA", secret_access_key: "hunter2hunter2" },
    };
    await client.call(datastores.put, { params: { workspace, name: "mine" }, body: spec });

    const shown = await client.call(datastores.get, { params: { workspace, name: "mine" } });

    expect(shown).toMatchObject({ name: "mine", type: "s3" });
    expect(JSON.stringify(shown)).not.toContain("hunter2");
  });

  test("says in a sentence what it can't do yet, and changes nothing", async () => {
    const compute = { params: { workspace, name: "c" }, body: { type: "instance" as const } };

    await expectCode(client.call(computes.put, compute), "NotSupported");
    const onGpus = { params: { workspace, endpoint: "mine" }, body: { compute: "azureml:gpu-cluster" } };
    await expectCode(client.call(onlineEndpoints.put, onGpus), "NotSupported");
    expect((await client.call(onlineEndpoints.list, { params: { workspace } })).items).toEqual([]);
    expect((await client.call(computes.list, { params: { workspace } })).items.map((it) => it.name)).toEqual(["local"]);
  });

  test("fires when a file arrives, and when data has a new version; others who hear of the bucket go on to", {
    timeout: 120_000,
  }, async () => {
    const s3 = new S3Client({ ...AWS, endpoint: deployment.endpoint, forcePathStyle: true });
    const Bucket = await homeBucket(s3);
    const theirs = { TopicArn: "arn:aws:sns:us-east-1:000000000000:theirs", Events: ["s3:ObjectRemoved:*" as const] };
    const NotificationConfiguration = { TopicConfigurations: [theirs] };
    const there = { Bucket, NotificationConfiguration, SkipDestinationValidation: true };
    await s3.send(new PutBucketNotificationConfigurationCommand(there));
    const path = "azureml://datastores/workspaceblobstore/paths/incoming";
    const put = (name: string, body: ScheduleSpec) => client.call(schedules.put, { params: { workspace, name }, body });
    const job = { type: "command" as const, command: "echo ${{inputs.set}}", environment: "azureml:python-3.11" };
    const inputs = { set: { type: "string" as const, value: "${{trigger.data}}" } };
    await client.call(data.create, { params: { workspace, name: "incoming" }, body: { path } });
    await put("minutely", { trigger: { type: "cron", expression: "* * * * *" }, refresh_data: { name: "incoming" } });
    await put("arrivals", { trigger: { type: "file", path, pattern: "*.csv" }, refresh_data: { name: "incoming" } });
    await put("retrain", { trigger: { type: "data", name: "inc*" }, create_job: { spec: { ...job, inputs } } });

    for (const file of ["notes.txt", "a.csv"]) {
      const query = { uri: `${path}/${file}` };
      await client.call(files.write, { params: { workspace }, query, body: new TextEncoder().encode("1") });
    }
    const firing = async (name: string) => {
      const { items } = await client.call(schedules.firings, { params: { workspace, name }, query: {} });
      return items.find(({ state }) => state !== "open");
    };
    const arrived = await until(() => firing("arrivals"), "the file has fired");
    const retrained = await until(() => firing("retrain"), "the data has fired");

    expect(arrived).toMatchObject({ cause: { type: "file", values: { path: "a.csv" } }, data: "azureml:incoming:2" });
    const submitted = await client.call(jobs.get, { params: { workspace, name: retrained.job ?? "" }, query: {} });
    expect(submitted.spec).toMatchObject({ inputs: { set: { value: "azureml:incoming:2" } } });
    await client.call(jobs.cancel, { params: { workspace, name: submitted.name }, body: {} });
    const told = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    expect([told.TopicConfigurations?.map(({ TopicArn }) => TopicArn), told.EventBridgeConfiguration]).toEqual([
      [theirs.TopicArn],
      {},
    ]);
  });

  test("is well, as `yard doctor --smoke` finds, which runs a job", { timeout: 180_000 }, async () => {
    const cwd = mkdtempSync(join(tmpdir(), "trainyard-smoke-"));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const env = { TRAINYARD_URL: deployment.url, TRAINYARD_TOKEN: deployment.token, PATH: process.env.PATH ?? "" };

    const { code, out } = await yard(["doctor", "--smoke", "-o", "json"], { cwd, env });

    const findings = JSON.parse(out) as Finding[];
    expect({ code, bad: findings.filter(({ verdict }) => verdict === "bad") }).toEqual({ code: 0, bad: [] });
    expect(findings.find(({ part }) => part === "job")?.says).toMatch(/Queued, Preparing, .*Finalizing, Completed/);
    const [ran] = (await client.call(jobs.list, { params: { workspace }, query: {} })).items;
    const params = { workspace, name: ran?.name ?? "" };
    const { text } = await client.call(jobs.log, { params, query: { name: "system_logs/lifecycler.log" } });
    expect(text).toContain(`the command's AWS credentials are for s3://`);
  });

  test("deploying again would change nothing", { timeout: 120_000 }, async () => {
    const diff = await deployment.cdk("diff", "--all", "--fail");

    expect(diff).toContain("no differences");
  });

  test("fires by the minute meanwhile", { timeout: 120_000 }, async () => {
    const named = { params: { workspace, name: "minutely" }, query: {} };
    const fired = async () => (await client.call(schedules.firings, named)).items[0];

    const { cause, state } = await until(fired, "the minute has fired", 90_000);

    expect([cause.values.time, state]).toEqual([
      expect.stringMatching(/:00\.000Z$/),
      expect.stringMatching(/open|done/),
    ]);
  });

  test("makes a workspace with a bucket, a key, a secret and a repository of its own, in which jobs run", {
    timeout: 120_000,
  }, async () => {
    const cwd = mkdtempSync(join(tmpdir(), "trainyard-own-"));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const env = { TRAINYARD_URL: deployment.url, TRAINYARD_TOKEN: deployment.token, PATH: process.env.PATH ?? "" };
    const asked = ["--storage-bucket", "own", "--kms-key", "own", "--secret", "own", "--repository", "own"];
    const stored = await openEdgeStore(deployment.endpoint);

    const made = await yard(["workspace", "create", "--name", "apart", ...asked, "-o", "json"], { cwd, env });
    const params = { workspace: "apart", name: "token" };
    await client.call(secrets.put, { params, body: { value: "of a workspace of its own" } });
    const put = await client.raw(`/api/v1/workspaces/apart/blobs/${sha256("apart")}`, {
      method: "PUT",
      body: new TextEncoder().encode("apart"),
    });

    const { storage } = JSON.parse(made.out) as Workspace;
    const Bucket = storage?.bucket?.arn.replace(/.*:/, "") ?? "";
    const s3 = new S3Client({ ...AWS, endpoint: deployment.endpoint, forcePathStyle: true });
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect([made.code, put.status, Bucket]).toEqual([0, 200, expect.stringMatching(/^trainyard-ws-[0-9a-f]{16}$/)]);
    expect(Contents.map(({ Key }) => Key)).toContainEqual(expect.stringMatching(/^ws\/apart\/blobs\//));
    const { out } = await yard(["doctor", "--smoke", "--workspace", "apart", "-o", "json"], { cwd, env });
    const findings = JSON.parse(out) as Finding[];
    expect(findings.filter(({ part }) => part === "job" || part === "log").map(({ verdict }) => verdict)).toEqual([
      "ok",
      "ok",
    ]);
    const [ran] = (await client.call(jobs.list, { params: { workspace: "apart" }, query: {} })).items;
    const named = { params: { workspace: "apart", name: ran?.name ?? "" } };
    const { text } = await client.call(jobs.log, { ...named, query: { name: "system_logs/lifecycler.log" } });
    expect(text).toContain(`the command's AWS credentials are for s3://${Bucket}/ws/apart/`);
    const ecr = new ECRClient({ ...AWS, endpoint: deployment.endpoint });
    const repositoryName = storage?.repository?.arn.replace(/.*:repository\//, "");
    expect((await ecr.send(new DescribeImagesCommand({ repositoryName }))).imageDetails).toHaveLength(1);
    // Its files are none that the edge could send on.
    expect(await stored("b#apart")).toMatch(/^9+$/);
  });

  test("tells its edge the key of tokens, and of one that is revoked", async () => {
    const stored = await openEdgeStore(deployment.endpoint);
    const [payload = ""] = deployment.token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as PersonalClaims;
    const before = await stored(`t#${claims.jti}`);

    await client.call(tokens.delete, { params: { id: claims.jti } });

    expect(claims.edge?.art).toEqual({ "*": "w" });
    expect(Buffer.from((await stored("key")) ?? "", "base64")).toHaveLength(32);
    expect(before).toBeUndefined();
    const since = await until(() => stored(`t#${claims.jti}`), "the edge knows of the revocation");
    expect(Number(since)).toBeGreaterThan(claims.edge?.iat ?? 0);
  });

  test("destroyed, takes along what was made at run time, and leaves what is to be kept", {
    timeout: 900_000,
  }, async () => {
    await deployment.takeOver();
    const at = { ...AWS, endpoint: deployment.endpoint };
    const batch = new BatchClient(at);
    await makePool(batch, "trainyard-test-spot", "trainyard");
    await makePool(batch, "somebody-elses", "another");
    const lambda = new LambdaClient(at);
    const logs = new CloudWatchLogsClient(at);
    for (const name of ["trainyard-serve-0123456789abcdef", "trainyard-serve-mine"]) {
      await makeFunction(lambda, name);
      await logs.send(new CreateLogGroupCommand({ logGroupName: `/aws/lambda/${name}` }));
    }

    const events = new EventBridgeClient(at);
    const scheduler = new SchedulerClient(at);
    const sns = new SNSClient(at);
    const topics = async () => (await sns.send(new ListTopicsCommand({}))).Topics?.map(({ TopicArn }) => TopicArn);
    await sns.send(new CreateTopicCommand({ Name: "trainyard-notify-1" }));
    const ruleNames = async () =>
      (await events.send(new ListRulesCommand({}))).Rules?.map(({ Name = "" }) => Name) ?? [];
    expect((await ruleNames()).filter((name) => name.startsWith("trainyard-trigger-"))).toHaveLength(1);

    await deployment.cdk("destroy", "--all", "--force");

    expect(await ruleNames()).toEqual([]);
    expect((await scheduler.send(new ListSchedulesCommand({}))).Schedules).toEqual([]);
    expect(await topics()).not.toContainEqual(expect.stringMatching(/notify/));

    const { jobQueues } = await batch.send(new DescribeJobQueuesCommand({}));
    const { computeEnvironments } = await batch.send(new DescribeComputeEnvironmentsCommand({}));
    const { TableNames } = await new DynamoDBClient(at).send(new ListTablesCommand({}));
    const { Buckets } = await new S3Client({ ...at, forcePathStyle: true }).send(new ListBucketsCommand({}));
    const { SecretList } = await new SecretsManagerClient(at).send(new ListSecretsCommand({}));
    expect(jobQueues?.map(({ jobQueueName }) => jobQueueName)).toEqual(["somebody-elses"]);
    expect(computeEnvironments?.map(({ computeEnvironmentName }) => computeEnvironmentName)).toEqual([
      "somebody-elses",
    ]);
    expect(TableNames).toEqual([expect.stringMatching(/^trainyard-data-Table/)]);
    expect(Buckets?.map(({ Name = "" }) => Name.replace(/-[^-]*$/, "")).sort()).toEqual([
      "cdk-hnb659fds-assets-000000000000-us-east",
      expect.stringMatching(/^trainyard-data-accesslogs/),
      expect.stringMatching(/^trainyard-data-objects/),
      // Of a workspace that was not deleted.
      "trainyard-ws",
    ]);
    expect(SecretList?.map(({ Name = "" }) => Name.replace(/[0-9a-f]{16}$/, "")).sort()).toEqual([
      expect.stringMatching(/^VaultKey|^trainyard-data/),
      "trainyard/workspaces/",
    ]);
    const { Functions } = await lambda.send(new ListFunctionsCommand({}));
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: "/aws/lambda/" }));
    expect(Functions?.map(({ FunctionName }) => FunctionName)).toEqual(["trainyard-serve-mine"]);
    expect(logGroups?.map(({ logGroupName }) => logGroupName).filter((name) => name?.includes("serve"))).toEqual([
      "/aws/lambda/trainyard-serve-mine",
    ]);
    const { repositories } = await new ECRClient(at).send(new DescribeRepositoriesCommand({}));
    expect(repositories?.map(({ repositoryName }) => repositoryName)).not.toContain("trainyard/endpoints");
  });
});

async function homeBucket(s3: S3Client): Promise<string> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  return Buckets.find(({ Name = "" }) => /^trainyard-data-objects/.test(Name))?.Name ?? "";
}

/** As the home makes it for a deployment. */
async function makeFunction(lambda: LambdaClient, FunctionName: string): Promise<void> {
  const ImageUri = "000000000000.dkr.ecr.us-east-1.amazonaws.com/trainyard/endpoints:any";
  const Role = "arn:aws:iam::000000000000:role/any";
  await lambda.send(new CreateFunctionCommand({ FunctionName, PackageType: "Image", Code: { ImageUri }, Role }));
}

/** As the home makes it for its first cluster. */
async function makePool(batch: BatchClient, name: string, home: string): Promise<void> {
  const tags = { [HOME_TAG]: home };
  const computeResources = {
    type: "SPOT" as const,
    maxvCpus: 4,
    subnets: ["subnet-1"],
    instanceRole: "r",
    instanceTypes: ["m5"],
  };
  await batch.send(
    new CreateComputeEnvironmentCommand({ computeEnvironmentName: name, type: "MANAGED", computeResources, tags }),
  );
  await batch.send(
    new CreateJobQueueCommand({
      jobQueueName: name,
      priority: 1,
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: name }],
      tags,
    }),
  );
}
