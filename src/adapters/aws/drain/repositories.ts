import { DeleteRepositoryCommand, type ECRClient, paginateDescribeRepositories } from "@aws-sdk/client-ecr";
import type { Drainer } from "./drain.ts";

interface RepositoryOptions {
  readonly client: ECRClient;
  readonly home: string;
}

/** Names of the home's repositories that no stack made: those of environments, and those of its cache of the public registry. */
export async function repositoriesOf({ client, home }: RepositoryOptions): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { repositories = [] } of paginateDescribeRepositories({ client }, {}))
    names.push(...repositories.map(({ repositoryName = "" }) => repositoryName));
  return names.filter((name) => name.startsWith(`${home}/`) && name !== `${home}/endpoints`);
}

/** Repositories with all their images. */
export function repositoryDrainer(options: RepositoryOptions): Drainer {
  return {
    async step() {
      for (const repositoryName of await repositoriesOf(options))
        await options.client.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
      return [];
    },
  };
}
