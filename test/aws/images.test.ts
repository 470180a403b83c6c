import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { CodeBuildClient, CreateProjectCommand } from "@aws-sdk/client-codebuild";
import { DescribeRepositoriesCommand, ECRClient, GetLifecyclePolicyCommand } from "@aws-sdk/client-ecr";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeImageBuilder } from "../../src/adapters/aws/images/builder.ts";
import { openBuilds } from "../../src/adapters/aws/images/builds.ts";
import { makeEcrFacts } from "../../src/adapters/aws/images/facts.ts";
import { openBuildRecords } from "../../src/adapters/aws/images/records.ts";
import { openRepository } from "../../src/adapters/aws/images/repository.ts";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import { makeArchiver } from "../../src/adapters/node/archive.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import type { EnvironmentSpec } from "../../src/contract/environments.ts";
import type { Builder } from "../../src/core/ports/builder.ts";
import { describeBuilder } from "../contract/describe-builder.ts";
import { makeFakeFiles } from "../helpers/endpoint-frame.ts";
import { AWS, startMinistack } from "./ministack.ts";
import { makeTable } from "./tables.ts";

const TREE = `azureml://trees/${"a".repeat(64)}`;
const REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
const WAIT_MS = 120_000;

let builder: Builder;
let ecr: ECRClient;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  const { endpoint, stop } = await startMinistack();
  undo.push(stop);
  const { table, close } = await makeTable(endpoint);
  undo.push(close);
  const where = { ...AWS, endpoint };
  const s3 = new S3Client({ ...where, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });
  ecr = new ECRClient(where);
  const codebuild = new CodeBuildClient(where);
  const logs = new CloudWatchLogsClient(where);
  for (const client of [s3, ecr, codebuild, logs]) undo.push(() => client.destroy());
  await s3.send(new CreateBucketCommand({ Bucket: "bytes" }));
  await codebuild.send(
    new CreateProjectCommand({
      name: "yard-images",
      serviceRole: "arn:aws:iam::000000000000:role/images",
      source: { type: "S3", location: "bytes/images/" },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: { type: "LINUX_CONTAINER", image: "standard", computeType: "BUILD_GENERAL1_MEDIUM" },
    }),
  );
  builder = makeImageBuilder({
    repository: openRepository({ ecr, name: "yard/environments", home: "yard", now: Date.now }),
    repositoryUri: `${REGISTRY}/yard/environments`,
    builds: openBuilds(codebuild, "yard-images"),
    records: openBuildRecords(table),
    logs,
    facts: [makeEcrFacts(ecr)],
    files: makeFakeFiles({
      [`${TREE}/Dockerfile`]: "FROM python:3.10\nCOPY wanted.txt /tmp/wanted.txt\nRUN pip install iniconfig\n",
      [`${TREE}/wanted.txt`]: "as it is",
    }),
    objects: openObjects({ client: s3, bucket: "bytes" }),
    bucket: "bytes",
    archiver: makeArchiver(),
    digest: makeDigest(),
    clock: { now: Date.now },
  });
});

afterAll(async () => {
  for (const each of undo.toReversed()) await each();
});

/** Asks until there is an image, or none can be had. */
async function make(spec: EnvironmentSpec) {
  let log = "";
  let since: string | undefined;
  for (let asked = 1; ; asked++) {
    const request = { workspace: "default", spec, ...(since === undefined ? {} : { since }) };
    const answer = await builder.build(request, (text) => {
      log += text;
    });
    if (answer.state === "ready") return { ...answer, log, asked };
    since = answer.since;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describeBuilder("images, by CodeBuild into ECR", async () => ({
  builder,
  good: { kind: "python", requirements: ["iniconfig"], label: "mine" },
  bad: { kind: "python", requirements: ["no-such-package-zzz"], label: "broken" },
  ref: new RegExp(`^${REGISTRY}/yard/environments@sha256:[0-9a-f]{64}$`),
  log: {
    good: /FROM public\.ecr\.aws\/docker\/library\/python:3\.11 AS build[\s\S]*env-[0-9a-f]{64}: digest/,
    bad: /no-such-package-zzz/,
  },
  cleanup: async () => undefined,
}));

describe("images, by CodeBuild into ECR", () => {
  test("lie in a repository that is scanned, cleaned up and known as the home's", async () => {
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}));
    const policy = await ecr.send(new GetLifecyclePolicyCommand({ repositoryName: "yard/environments" }));

    expect(repositories).toMatchObject([
      { repositoryName: "yard/environments", imageScanningConfiguration: { scanOnPush: true } },
    ]);
    expect(JSON.parse(policy.lifecyclePolicyText ?? "").rules).toHaveLength(2);
  });

  test("come from a person's build context, and can be built upon", { timeout: WAIT_MS }, async () => {
    const own = await make({ kind: "image", build: { path: TREE, dockerfile: "Dockerfile" }, label: "own" });
    const plain = await make({ kind: "image", image: own.ref, label: "plain" });

    expect(own.log).toMatch(/RUN pip install iniconfig[\s\S]*ENTRYPOINT \[\]/);
    // It takes commands as they are: nothing is built upon it.
    expect(plain).toMatchObject({ ref: own.ref, asked: 1, log: "" });
  });
});
