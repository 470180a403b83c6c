import { DeleteRepositoryCommand, DescribeRepositoriesCommand, type ECRClient } from "@aws-sdk/client-ecr";
import { nameOf } from "../fault.ts";
import { unfit, using } from "./refusal.ts";
import { nameOfArn, type StorageSettings } from "./settings.ts";

/** That it is a repository of the account's own registry in this region, where builds push and machines pull, and that a tag may be pushed again. */
export async function checkRepository(
  ecr: ECRClient,
  { account, region }: StorageSettings,
  arn: string,
): Promise<void> {
  const [, , , itsRegion, itsAccount] = arn.split(":");
  if (itsRegion !== region || itsAccount !== account) {
    const hint = `images are pushed and pulled within ${account} and ${region}; take a repository of that registry`;
    throw unfit(`repository \`${arn}\` is of another registry`, hint);
  }
  const repositoryName = nameOfArn(arn);
  const { repositories = [] } = await using({ right: "ecr:DescribeRepositories", resource: arn }, () =>
    ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] })),
  );
  if (repositories[0]?.imageTagMutability !== "IMMUTABLE") return;
  throw unfit(
    `repository \`${repositoryName}\` has immutable tags`,
    "an image that is built again has the tag of the one before; let its tags be mutable",
  );
}

export async function freeRepository(ecr: ECRClient, arn: string): Promise<void> {
  const command = new DeleteRepositoryCommand({ repositoryName: nameOfArn(arn), force: true });
  await ecr.send(command).catch((error: unknown) => {
    if (nameOf(error) !== "RepositoryNotFoundException") throw error;
  });
}
