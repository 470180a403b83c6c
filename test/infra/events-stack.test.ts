import type { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { type Resource, resourcesOf, template } from "./templates.ts";

const events = await template("events");
const worker = await template("worker");

const ofType = (of: Template, type: string): readonly (readonly [string, Resource])[] =>
  Object.entries(resourcesOf(of)).filter(([, { Type }]) => Type === type);

describe("what happens reaches the home", () => {
  test("by one queue that is polled, and a rule for each kind of event", () => {
    const rules = ofType(events, "AWS::Events::Rule").map(([, { Properties = {} }]) => Properties);
    const messages = rules.map(({ Targets }) => {
      const [{ InputTransformer: input }] = Targets as [{ InputTransformer: { InputTemplate: string } }];
      return JSON.parse(input.InputTemplate.replaceAll(/<([\w-]+)>/g, '"$1"'));
    });

    expect(ofType(worker, "AWS::Lambda::EventSourceMapping")).toHaveLength(2);
    expect(rules.map(({ EventPattern }) => (EventPattern as { source?: string[] } | undefined)?.source?.[0])).toEqual([
      "aws.batch",
      "aws.codebuild",
      "trainyard",
      "trainyard",
      undefined,
      undefined,
    ]);
    expect(messages).toEqual([
      { topic: "jobs.attempt", id: "id", body: { detail: { tags: "detail-tags" } } },
      { topic: "jobs.round", id: "id", body: {} },
      { topic: "activities.happened", id: "detail-id", body: "detail" },
      { topic: "activities.happened", id: "detail-id", body: "detail" },
      { topic: "jobs.round", id: "id", body: {} },
      { topic: "gc.round", id: "id", body: {} },
    ]);
  });

  test("when it is time for it: by schedules of the home's own group, which can do nothing else", () => {
    const [[group]] = ofType(events, "AWS::Scheduler::ScheduleGroup") as [[string, Resource]];
    const [[queue]] = ofType(events, "AWS::SQS::Queue").filter(
      ([, { Properties = {} }]) => Properties.RedrivePolicy !== undefined,
    ) as [[string, Resource]];
    events.hasResourceProperties("AWS::IAM::Role", {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Principal: { Service: "scheduler.amazonaws.com" },
            Condition: { ArnEquals: { "aws:SourceArn": { "Fn::GetAtt": [group, "Arn"] } } },
          },
        ],
      },
    });
    events.hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: [{ Action: "sqs:SendMessage", Effect: "Allow", Resource: { "Fn::GetAtt": [queue, "Arn"] } }],
      },
    });
  });

  test("also where a message fails: it is named by itself, and put aside in the end", () => {
    worker.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BatchSize: 10,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
    });
    worker.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      FilterCriteria: {
        Filters: [
          { Pattern: JSON.stringify({ eventName: ["INSERT"], dynamodb: { NewImage: { type: { S: ["activity"] } } } }) },
        ],
      },
      MaximumRetryAttempts: 10,
      BisectBatchOnFunctionError: true,
    });
    events.hasResourceProperties("AWS::SQS::Queue", { VisibilityTimeout: 360, MessageRetentionPeriod: 1_209_600 });
  });
});

test.each([
  ["events", events],
  ["worker", worker],
] as const)("each queue of `%s` that is not polled has an alarm", (_, of) => {
  const alarms = JSON.stringify(ofType(of, "AWS::CloudWatch::Alarm"));
  const redriven = JSON.stringify(ofType(events, "AWS::Lambda::EventSourceMapping"));
  const unread = ofType(of, "AWS::SQS::Queue").filter(
    ([id, { Properties = {} }]) => Properties.RedrivePolicy === undefined && !redriven.includes(id),
  );

  expect(unread.length).toBeGreaterThan(0);
  for (const [id] of unread) expect(alarms).toContain(`"Fn::GetAtt":["${id}","QueueName"]`);
});
