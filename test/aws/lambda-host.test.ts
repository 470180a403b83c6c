import { join } from "node:path";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CodeBuildClient, CreateProjectCommand } from "@aws-sdk/client-codebuild";
import { CreateRepositoryCommand, DescribeImagesCommand, ECRClient } from "@aws-sdk/client-ecr";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, expect, test } from "vitest";
import { buildProgram } from "../../lib/constructs/bundle-program.ts";
import { programFiles } from "../../lib/constructs/serving-program.ts";
import { makeImageBuilder } from "../../src/adapters/aws/images/builder.ts";
import { openBuilds } from "../../src/adapters/aws/images/builds.ts";
import { openBuildRecords } from "../../src/adapters/aws/images/records.ts";
import { openRepository } from "../../src/adapters/aws/images/repository.ts";
import { openFunctions } from "../../src/adapters/aws/lambda-host/functions.ts";
import { makeLambdaHost } from "../../src/adapters/aws/lambda-host/host.ts";
import { openImageTags } from "../../src/adapters/aws/lambda-host/images.ts";
import { openInvoker } from "../../src/adapters/aws/lambda-host/invoke.ts";
import { openFunctionLogs } from "../../src/adapters/aws/lambda-host/logs.ts";
import { openHostedRecords } from "../../src/adapters/aws/lambda-host/records.ts";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import { makeArchiver } from "../../src/adapters/node/archive.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import { planServingImage } from "../../src/core/endpoints/serving-image.ts";
import { describeHost } from "../contract/describe-host.ts";
import { makeFakeFiles } from "../helpers/endpoint-frame.ts";
import { makeTempDir } from "../helpers/ports.ts";
import { AWS, startMinistack } from "./ministack.ts";
import { makeTable } from "./tables.ts";

const REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
const REPOSITORY = "yard/endpoints";

const undo: (() => unknown)[] = [];
const { endpoint, stop } = await startMinistack();
undo.push(stop);
const where = { ...AWS, endpoint };
const ecr = new ECRClient(where);
const lambda = new LambdaClient(where);
const logs = new CloudWatchLogsClient(where);
afterAll(async () => {
  for (const each of undo.toReversed()) await each();
});

/** A deployment's image, as CodeBuild makes it of our program, upon an image of Python. */
async function buildImage(folder: string, table: Awaited<ReturnType<typeof makeTable>>["table"]): Promise<string> {
  const s3 = new S3Client({ ...where, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });
  const codebuild = new CodeBuildClient(where);
  await s3.send(new CreateBucketCommand({ Bucket: "bytes" }));
  await ecr.send(new CreateRepositoryCommand({ repositoryName: REPOSITORY }));
  await codebuild.send(
    new CreateProjectCommand({
      name: "yard-images",
      serviceRole: "arn:aws:iam::000000000000:role/images",
      source: { type: "S3", location: "bytes/images/" },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: { type: "LINUX_CONTAINER", image: "standard", computeType: "BUILD_GENERAL1_MEDIUM" },
    }),
  );
  const bundle = join(folder, "serving.mjs");
  buildProgram("serving/function/main.ts", bundle);
  const builder = makeImageBuilder({
    repository: openRepository({ ecr, name: REPOSITORY, home: "yard", now: Date.now, isAdopted: true }),
    repositoryUri: `${REGISTRY}/${REPOSITORY}`,
    planOf: async ({ image = "" }) => planServingImage(image, programFiles(bundle)),
    builds: openBuilds(codebuild, "yard-images"),
    records: openBuildRecords(table),
    logs,
    facts: [],
    files: makeFakeFiles({}),
    objects: openObjects({ client: s3, bucket: "bytes" }),
    bucket: "bytes",
    archiver: makeArchiver(),
    digest: makeDigest(),
    clock: { now: Date.now },
  });
  const spec = { kind: "image" as const, image: "public.ecr.aws/docker/library/python:3.12", label: "python" };
  let since: string | undefined;
  for (;;) {
    const request = { workspace: "default", spec, ...(since === undefined ? {} : { since }) };
    const built = await builder.build(request, () => undefined);
    if (built.state === "ready") return built.ref;
    since = built.since;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describeHost("functions of AWS Lambda", async () => {
  const folder = makeTempDir();
  const { table, close } = await makeTable(endpoint);
  undo.push(close);
  const image = await buildImage(folder.path, table);
  const invoker = openInvoker(lambda);
  return {
    host: makeLambdaHost({
      settings: {
        home: "yard",
        roleArn: "arn:aws:iam::000000000000:role/serving",
        repositoryUri: `${REGISTRY}/${REPOSITORY}`,
        logDays: 3,
      },
      functions: openFunctions(lambda),
      logs: openFunctionLogs(logs, {}),
      images: openImageTags(ecr, REPOSITORY),
      records: openHostedRecords(table),
      digest: makeDigest(),
      clock: { now: Date.now },
    }),
    environmentRef: () => image,
    async ask(address, _secret, body) {
      const answer = await invoker.ask(address, {
        version: "2.0",
        rawPath: "/score",
        rawQueryString: "",
        headers: { "content-type": "application/json" },
        requestContext: { http: { method: "POST" } },
        body,
        isBase64Encoded: false,
      });
      if ("why" in answer) throw new Error(`${answer.why}: ${answer.said}`);
      const chunks: Uint8Array[] = [];
      for await (const chunk of answer.body) chunks.push(chunk);
      return [answer.prelude.statusCode, Buffer.concat(chunks).toString()];
    },
    cleanup: async () => folder.remove(),
  };
});

test("leaves no function, no log and no hold on an image", async () => {
  const { Functions } = await lambda.send(new ListFunctionsCommand({}));
  const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: "/aws/lambda/yard-serve" }));
  const { imageDetails = [] } = await ecr.send(new DescribeImagesCommand({ repositoryName: REPOSITORY }));

  expect(Functions).toEqual([]);
  expect(logGroups).toEqual([]);
  expect(imageDetails.flatMap(({ imageTags = [] }) => imageTags)).toEqual([expect.stringMatching(/^env-/)]);
});
