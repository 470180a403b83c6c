import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { CodeBuildClient } from "@aws-sdk/client-codebuild";
import { ECRClient } from "@aws-sdk/client-ecr";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { HOME_TAG } from "../../src/adapters/aws/batch/settings.ts";
import { makeImageBuilder } from "../../src/adapters/aws/images/builder.ts";
import { openBuilds } from "../../src/adapters/aws/images/builds.ts";
import { openBuildRecords } from "../../src/adapters/aws/images/records.ts";
import { openRepository } from "../../src/adapters/aws/images/repository.ts";
import { makeServingBuilder } from "../../src/adapters/aws/lambda-host/builder.ts";
import { openFunctions } from "../../src/adapters/aws/lambda-host/functions.ts";
import { makeLambdaHost } from "../../src/adapters/aws/lambda-host/host.ts";
import { openImageTags } from "../../src/adapters/aws/lambda-host/images.ts";
import { openFunctionLogs } from "../../src/adapters/aws/lambda-host/logs.ts";
import { openHostedRecords } from "../../src/adapters/aws/lambda-host/records.ts";
import { makeArchiver } from "../../src/adapters/node/archive.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import { planServingImage } from "../../src/core/endpoints/serving-image.ts";
import type { Files } from "../../src/core/files/ports.ts";
import type { Builder } from "../../src/core/ports/builder.ts";
import type { Host } from "../../src/core/ports/host.ts";
import type { Ground } from "../../src/home/part.ts";
import { once } from "./lazy.ts";
import type { ImageSettings, ServingPlace } from "./settings.ts";

/** Deployments as functions of AWS Lambda. */
export function openLambdaHost({ table, clock }: Pick<Ground, "table" | "clock">, settings: ServingPlace): Host {
  return makeLambdaHost({
    settings,
    functions: openFunctions(new LambdaClient({})),
    logs: openFunctionLogs(new CloudWatchLogsClient({}), { [HOME_TAG]: settings.home }),
    images: openImageTags(new ECRClient({}), nameOf(settings.repositoryUri)),
    records: openHostedRecords(table),
    digest: makeDigest(),
    clock,
  });
}

export interface ServingImageOptions {
  readonly images: ImageSettings;
  readonly serving: ServingPlace;
  readonly bucketName: string;
  readonly files: Files;
  /** Makes the environments' own images. */
  readonly environments: Builder;
  readonly hasOneEndpoint: boolean;
}

/** Images of deployments' functions, by CodeBuild upon those of their environments. */
export function openServingBuilder(
  ground: Pick<Ground, "table" | "objects" | "clock">,
  options: ServingImageOptions,
): Builder {
  const { table, objects, clock } = ground;
  const { images, serving, bucketName, files, environments } = options;
  const ecr = new ECRClient({});
  const name = nameOf(serving.repositoryUri);
  const program = once(() => readProgram(serving, options.hasOneEndpoint));
  const upon = makeImageBuilder({
    // The stack has made it.
    repository: openRepository({ ecr, name, home: images.home, now: clock.now, isAdopted: true }),
    repositoryUri: serving.repositoryUri,
    planOf: async ({ image = "" }) => planServingImage(image, await program()),
    builds: openBuilds(new CodeBuildClient({}), images.project),
    records: openBuildRecords(table),
    logs: new CloudWatchLogsClient({}),
    facts: [],
    files,
    objects,
    bucket: bucketName,
    archiver: makeArchiver(),
    digest: makeDigest(),
    clock,
  });
  return makeServingBuilder({ environments, serving: upon });
}

async function readProgram(
  { program }: ServingPlace,
  hasOneEndpoint: boolean,
): Promise<Readonly<Record<string, string>>> {
  const client = new S3Client({ forcePathStyle: hasOneEndpoint });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: program.bucket, Key: program.key }));
  return JSON.parse((await Body?.transformToString()) ?? "") as Readonly<Record<string, string>>;
}

const nameOf = (repositoryUri: string): string => repositoryUri.slice(repositoryUri.indexOf("/") + 1);
