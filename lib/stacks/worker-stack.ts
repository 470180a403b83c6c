import { Duration, Stack } from "aws-cdk-lib";
import { FilterCriteria, FilterRule, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { DynamoEventSource, SqsDlq, SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { accept } from "../constructs/accept.ts";
import { addAlarm } from "../constructs/alarm.ts";
import { HomeFunction } from "../constructs/home-function.ts";
import { grantFreeStorage, grantUseOfStorage } from "../constructs/workspace-storage.ts";
import type { DataStack } from "./data-stack.ts";
import { type EventsStack, READER_TIMEOUT } from "./events-stack.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

export interface WorkerStackProps extends HomeStackProps {
  readonly data: DataStack;
  readonly events: EventsStack;
  /** Address of the API, which machines call. */
  readonly apiUrl: string;
  /** What moving jobs on takes: starting machines, building images. */
  readonly grants: readonly ((fn: HomeFunction) => void)[];
}

/** What works when nobody asks: the queue's reader, which moves jobs on, and the one that tells of activities. Both cost nothing while nothing happens. */
export class WorkerStack extends Stack {
  constructor(scope: Construct, id: string, props: WorkerStackProps) {
    super(scope, id, props);
    this.addReader(props);
    this.addAnnouncer(props);
  }

  private addReader({ stage, data, events, apiUrl, grants }: WorkerStackProps): void {
    const reader = new HomeFunction(this, "Events", { stage, entry: "events.ts", timeout: READER_TIMEOUT });
    reader.grantHome(data);
    reader.handler.addEnvironment("API_URL", apiUrl);
    events.grantSend(reader);
    events.grantNotify(reader);
    for (const grant of grants) grant(reader);
    grantUseOfStorage(reader, stage);
    grantFreeStorage(reader, stage);
    // Both at least: the reader itself says which message is to come again, and when.
    reader.handler.addEventSource(new SqsEventSource(events.queue, { batchSize: 10, reportBatchItemFailures: true }));
  }

  private addAnnouncer({ stage, data, events }: WorkerStackProps): void {
    const announcer = new HomeFunction(this, "Announce", { stage, entry: "announce.ts", memorySize: 256 });
    announcer.handler.addEnvironment("BUS_NAME", events.bus.eventBusName);
    announcer.allow("events", ["PutEvents"], [events.bus.eventBusArn]);
    const dead = new Queue(this, "Unannounced", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    accept(dead, { "AwsSolutions-SQS3": "it is where what could not be announced goes" });
    const isActivity = FilterCriteria.filter({
      eventName: FilterRule.isEqual("INSERT"),
      dynamodb: { NewImage: { type: { S: FilterRule.isEqual("activity") } } },
    });
    announcer.handler.addEventSource(
      new DynamoEventSource(data.table, {
        startingPosition: StartingPosition.LATEST,
        batchSize: 100,
        bisectBatchOnError: true,
        retryAttempts: 10,
        filters: [isActivity],
        onFailure: new SqsDlq(dead),
      }),
    );
    addAlarm(this, "UnannouncedAlarm", {
      metric: dead.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum", period: Duration.minutes(5) }),
      threshold: 1,
      severity: "ticket",
      says: "Activities could not be put on the home's bus; what follows them did not hear of them.",
      runbook: "unannounced",
      topic: data.alarms,
    });
  }
}
