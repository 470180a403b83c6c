import { type AutoScalingClient, DescribeScalingActivitiesCommand } from "@aws-sdk/client-auto-scaling";
import type { BatchFacts } from "./wait-cause.ts";

type Activities = NonNullable<BatchFacts["activities"]>;

export type AskActivities = (environment: string, sinceMs: number) => Promise<Activities | undefined>;

/**
 * What became of the machines that an environment of AWS Batch has asked for since then, newest first: Batch itself says nothing of quotas.
 * Batch names the groups of its machines, with the environment's name in it. Undefined where they can't be asked for: they are worth a sentence, not a fault.
 */
export function makeActivities(client: AutoScalingClient): AskActivities {
  return async (environment, sinceMs) => {
    try {
      const { Activities = [] } = await client.send(new DescribeScalingActivitiesCommand({ MaxRecords: 100 }));
      return Activities.filter(
        ({ AutoScalingGroupName, StartTime, EndTime = StartTime }) =>
          AutoScalingGroupName?.includes(environment) && (EndTime?.getTime() ?? 0) >= sinceMs,
      ).map(({ StatusCode = "", StatusMessage }) => ({
        statusCode: StatusCode,
        ...(StatusMessage === undefined ? {} : { statusMessage: StatusMessage }),
      }));
    } catch {
      return undefined;
    }
  };
}
