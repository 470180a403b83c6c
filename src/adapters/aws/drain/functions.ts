import {
  type CloudWatchLogsClient,
  DeleteLogGroupCommand,
  paginateDescribeLogGroups,
} from "@aws-sdk/client-cloudwatch-logs";
import { DeleteFunctionCommand, type LambdaClient, paginateListFunctions } from "@aws-sdk/client-lambda";
import { isFunctionOf, logGroupOf } from "../lambda-host/settings.ts";
import type { Drainer } from "./drain.ts";

/** Functions of deployments, and their logs, also those of functions that are gone. */
export function functionDrainer(options: {
  readonly lambda: LambdaClient;
  readonly logs: CloudWatchLogsClient;
  readonly home: string;
}): Drainer {
  const { lambda, logs, home } = options;

  async function functions(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {}))
      names.push(...Functions.map(({ FunctionName = "" }) => FunctionName));
    return names.filter((name) => isFunctionOf(home, name));
  }

  async function groups(): Promise<readonly string[]> {
    const names: string[] = [];
    const logGroupNamePrefix = logGroupOf(`${home}-serve-`);
    for await (const { logGroups = [] } of paginateDescribeLogGroups({ client: logs }, { logGroupNamePrefix }))
      names.push(...logGroups.map(({ logGroupName = "" }) => logGroupName));
    return names.filter((name) => isFunctionOf(home, name.slice(logGroupOf("").length)));
  }

  return {
    async step() {
      for (const FunctionName of await functions()) await lambda.send(new DeleteFunctionCommand({ FunctionName }));
      for (const logGroupName of await groups()) await logs.send(new DeleteLogGroupCommand({ logGroupName }));
      return [];
    },
  };
}
