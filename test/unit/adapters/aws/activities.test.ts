import { AutoScalingClient, DescribeScalingActivitiesCommand } from "@aws-sdk/client-auto-scaling";
import { mockClient } from "aws-sdk-client-mock";
import { expect, test } from "vitest";
import { makeActivities } from "../../../../src/adapters/aws/batch/activities.ts";

const activity = (group: string, at: string, StatusCode: "Failed" | "Successful", StatusMessage?: string) => ({
  ActivityId: at,
  AutoScalingGroupName: group,
  Cause: "",
  StartTime: new Date(at),
  StatusCode,
  ...(StatusMessage === undefined ? {} : { StatusMessage }),
});

test("an environment's machines since a job came, and nobody else's", async () => {
  const client = new AutoScalingClient({});
  mockClient(client)
    .on(DescribeScalingActivitiesCommand)
    .resolves({
      Activities: [
        activity("home-cpu-spot-asg-1", "2026-11-21T12:00:00Z", "Failed", "vCPU limit of 8"),
        activity("somebody-elses", "2026-11-21T11:59:00Z", "Failed", "no"),
        activity("home-cpu-spot-asg-1", "2026-11-20T00:00:00Z", "Successful"),
      ],
    });

  const found = await makeActivities(client)("home-cpu-spot", Date.parse("2026-11-21T00:00:00Z"));

  expect(found).toEqual([{ statusCode: "Failed", statusMessage: "vCPU limit of 8" }]);
});

test("an account where they may not be asked for has none, and no fault", async () => {
  const client = new AutoScalingClient({});
  mockClient(client).on(DescribeScalingActivitiesCommand).rejects(new Error("AccessDenied"));

  expect(await makeActivities(client)("e", 0)).toBeUndefined();
});
