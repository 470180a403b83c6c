import { Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Stage } from "../config/stage.ts";
import { accept } from "./accept.ts";
import type { HomeFunction } from "./home-function.ts";

/** As src/adapters/aws/storage/settings.ts names what it makes (a test holds both together). */
const BUCKET_INFIX = "-ws-";
const FOLDER = "workspaces";
const HOME_TAG = "trainyard:home";

const OBJECT = ["AbortMultipartUpload", "DeleteObject", "GetObject", "PutObject"];
const LOOK = ["GetBucketPublicAccessBlock", "GetBucketVersioning", "GetEncryptionConfiguration", "ListBucket"];
const FURNISH = [
  "PutBucketCORS",
  "PutBucketPolicy",
  "PutBucketPublicAccessBlock",
  "PutBucketTagging",
  "PutBucketVersioning",
  "PutEncryptionConfiguration",
  "PutLifecycleConfiguration",
];

/** What workspaces may have of their own: made at run time and known by names that begin as the home's, or brought along and named in the stage's `adopted`. */
export interface WorkspaceResources {
  /** Of each kind, those of the home's own making first. */
  readonly buckets: readonly string[];
  readonly secrets: readonly string[];
  readonly repositories: readonly string[];
  /** Brought along only: those of the home's making have a policy that lets its roles use them. */
  readonly keys: readonly string[];
}

export function workspaceResources(stack: Stack, { name, adopted }: Stage): WorkspaceResources {
  const of = (service: string) => adopted.filter((arn) => arn.split(":")[2] === service);
  const bucket = stack.formatArn({ service: "s3", region: "", account: "", resource: `${name}${BUCKET_INFIX}*` });
  const secret = `secret:${name}/${FOLDER}/*`;
  return {
    buckets: [bucket, ...of("s3")],
    secrets: [stack.formatArn({ service: "secretsmanager", resource: secret }), ...of("secretsmanager")],
    repositories: [
      stack.formatArn({ service: "ecr", resource: "repository", resourceName: `${name}/${FOLDER}/*` }),
      ...of("ecr"),
    ],
    keys: of("kms"),
  };
}

/** Reads, writes and lists in buckets of workspaces, reads their secrets, uses their keys and looks into their repositories. */
export function grantUseOfStorage(fn: HomeFunction, stage: Stage): void {
  const { buckets, secrets, repositories, keys } = workspaceResources(Stack.of(fn), stage);
  const [own = "", ...adopted] = buckets;
  fn.allow("s3", OBJECT, [`${own}/*`, ...adopted.map((arn) => `${arn}/ws/*`)]);
  fn.allow("s3", LOOK, [...buckets]);
  fn.allow("secretsmanager", ["GetSecretValue"], [...secrets]);
  fn.allow("ecr", ["DescribeImages", "DescribeRepositories"], [...repositories]);
  if (keys.length > 0) fn.allow("kms", ["Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"], [...keys]);
  accept(fn, {
    "AwsSolutions-IAM5": "what is made for a workspace at run time is known by the beginning of its name only",
  });
}

/** Makes what is to be a workspace's own. */
export function grantMakeStorage(fn: HomeFunction, stage: Stage): void {
  const stack = Stack.of(fn);
  const { buckets, secrets, repositories } = workspaceResources(stack, stage);
  fn.allow("s3", ["CreateBucket", ...FURNISH], buckets.slice(0, 1));
  fn.allow("secretsmanager", ["CreateSecret", "TagResource"], secrets.slice(0, 1));
  fn.allow("ecr", ["CreateRepository", "PutLifecyclePolicy", "TagResource"], repositories.slice(0, 1));
  // A key has no name before it is made: its tag says whose it will be.
  fn.handler.addToRolePolicy(
    new PolicyStatement({
      actions: ["kms:CreateKey", "kms:TagResource"],
      resources: ["*"],
      conditions: { StringEquals: { [`aws:RequestTag/${HOME_TAG}`]: stage.name } },
    }),
  );
}

/** Frees what was a workspace's own, and nothing that was brought along. */
export function grantFreeStorage(fn: HomeFunction, stage: Stage): void {
  const stack = Stack.of(fn);
  const { buckets, secrets, repositories } = workspaceResources(stack, stage);
  const { name: home, studioOrigins } = stage;
  const { account, region, partition } = stack;
  fn.handler.addEnvironment("STORAGE", stack.toJsonString({ home, account, region, partition, studioOrigins }));
  fn.allow("s3", ["DeleteBucket", "ListBucketVersions", "PutLifecycleConfiguration"], buckets.slice(0, 1));
  fn.allow("s3", ["DeleteObject", "DeleteObjectVersion"], [`${buckets[0]}/*`]);
  fn.allow("secretsmanager", ["DeleteSecret"], secrets.slice(0, 1));
  fn.allow("ecr", ["DeleteRepository"], repositories.slice(0, 1));
  fn.handler.addToRolePolicy(
    new PolicyStatement({
      actions: ["kms:ScheduleKeyDeletion"],
      resources: [stack.formatArn({ service: "kms", resource: "key", resourceName: "*" })],
      conditions: { StringEquals: { [`aws:ResourceTag/${HOME_TAG}`]: home } },
    }),
  );
}
