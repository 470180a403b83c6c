import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { CodeBuildClient } from "@aws-sdk/client-codebuild";
import { ECRClient } from "@aws-sdk/client-ecr";
import { makeImageBuilder } from "../../src/adapters/aws/images/builder.ts";
import { openBuilds } from "../../src/adapters/aws/images/builds.ts";
import { makeEcrFacts } from "../../src/adapters/aws/images/facts.ts";
import { makePublicFacts } from "../../src/adapters/aws/images/public-facts.ts";
import { openBuildRecords } from "../../src/adapters/aws/images/records.ts";
import { openRepository } from "../../src/adapters/aws/images/repository.ts";
import { nameOfArn } from "../../src/adapters/aws/storage/settings.ts";
import { makeArchiver } from "../../src/adapters/node/archive.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import type { Files } from "../../src/core/files/ports.ts";
import type { Builder } from "../../src/core/ports/builder.ts";
import type { Ground } from "../../src/home/part.ts";
import type { PlacesOf } from "../../src/store/workspace-storage.ts";
import type { ImageSettings } from "./settings.ts";

/** Images of environments, by CodeBuild. */
export function openImageBuilder(
  ground: Pick<Ground, "table" | "objects" | "clock">,
  others: {
    readonly settings: ImageSettings;
    readonly bucketName: string;
    readonly files: Files;
    readonly placesOf: PlacesOf;
  },
): Builder {
  const { table, objects, clock } = ground;
  const { settings, bucketName, files, placesOf } = others;
  const { project, repositoryUri, home } = settings;
  const ecr = new ECRClient({});
  const [registry = "", ...path] = repositoryUri.split("/");
  const open = (name: string, isAdopted = false) => openRepository({ ecr, name, home, now: clock.now, isAdopted });
  return makeImageBuilder({
    repository: open(path.join("/")),
    repositoryUri,
    async ownOf(workspace) {
      const { repository } = (await placesOf(workspace)) ?? {};
      if (repository === undefined) return undefined;
      const { arn, isOwn } = repository;
      const name = nameOfArn(arn);
      return { arn, repository: open(name, !isOwn), uri: `${registry}/${name}` };
    },
    builds: openBuilds(new CodeBuildClient({}), project),
    records: openBuildRecords(table),
    logs: new CloudWatchLogsClient({}),
    facts: [makeEcrFacts(ecr), makePublicFacts()],
    files,
    objects,
    bucket: bucketName,
    archiver: makeArchiver(),
    digest: makeDigest(),
    clock,
  });
}
