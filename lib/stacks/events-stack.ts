import { Duration, Stack } from "aws-cdk-lib";
import { EventBus, EventField, type EventPattern, Rule, RuleTargetInput, Schedule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { addAlarm } from "../constructs/alarm.ts";
import type { HomeFunction } from "../constructs/home-function.ts";
import { Timers } from "../constructs/timers.ts";
import { Triggers } from "../constructs/triggers.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

export interface EventsStackProps extends HomeStackProps {
  readonly alarms: ITopic | undefined;
}

/** How long the queue's reader may take for what it was handed. */
export const READER_TIMEOUT = Duration.seconds(60);
/** A message is handed out again for each failed try (10), and for each time that it was not due yet. */
const MAX_RECEIVES = 30;
/** Rounds go on by themselves while there is work (src/home/bus-mover.ts); this one begins them again should they ever have stopped. */
const ROUND_EVERY = Duration.hours(1);
/** What a workspace's retention asks for, and what is due in the trash (src/home/gc-messages.ts). */
const GC_EVERY = Duration.days(1);

/**
 * What happens, as messages in the home's one queue (a queue is polled, and billed, while idle), and the bus on which the home tells of itself.
 * Apart from the queue's reader, which needs the API's address, while the API needs the queue's.
 */
export class EventsStack extends Stack {
  readonly queue: Queue;
  /** Every activity and state change of the home, for whoever wants to add a rule. */
  readonly bus: EventBus;
  private readonly timers: Timers;
  private readonly triggers: Triggers;

  constructor(scope: Construct, id: string, { alarms, ...props }: EventsStackProps) {
    super(scope, id, props);
    const { name } = props.stage;
    this.queue = this.makeQueue(alarms);
    this.timers = new Timers(this, "Timers", { home: name, queue: this.queue });
    this.bus = new EventBus(this, "Bus", { eventBusName: name, description: "Activities and state changes" });
    const queues = this.formatArn({ service: "batch", resource: "job-queue", resourceName: `${name}-` });
    this.forward("BatchChanges", "jobs.attempt", {
      source: ["aws.batch"],
      detailType: ["Batch Job State Change", "Batch Job Queue Blocked"],
      // What happens between them, runs' own keepers tell.
      detail: { jobQueue: [{ prefix: queues }], status: ["RUNNABLE", "SUCCEEDED", "FAILED"] },
    });
    this.forward("BuildChanges", "jobs.round", {
      source: ["aws.codebuild"],
      detailType: ["CodeBuild Build State Change"],
      detail: { "project-name": [`${name}-images`] },
    });
    this.triggers = new Triggers(this, "Triggers", { home: name, queue: this.queue });
    // Of a job's life only the end (src/core/schedules/happened.ts).
    this.forwardNews("News", { resource: [{ "anything-but": ["job"] }] });
    this.forwardNews("EndsOfJobs", {
      resource: ["job"],
      action: ["status"],
      after: { status: ["Completed", "Failed", "Canceled"] },
    });
    new Rule(this, "Round", {
      schedule: Schedule.rate(ROUND_EVERY),
      targets: ["jobs.round", "schedules.round"].map((topic) => this.target(topic, {})),
    });
    new Rule(this, "GcRound", { schedule: Schedule.rate(GC_EVERY), targets: [this.target("gc.round", {})] });
  }

  /** Puts messages into the queue, at once or when it is time. */
  grantSend(fn: HomeFunction): void {
    fn.handler.addEnvironment("QUEUE_URL", this.queue.queueUrl);
    fn.allow("sqs", ["SendMessage"], [this.queue.queueArn]);
    this.timers.grantSet(fn);
  }

  /** Hears what triggers wait for, and asks mailboxes whether they want notifications. */
  grantTune(fn: HomeFunction, bucket: IBucket): void {
    this.triggers.grantTune(fn, bucket);
    this.triggers.grantNotify(fn, { makes: true });
  }

  /** Sends notifications, and forgets what nobody waits for any more. */
  grantNotify(fn: HomeFunction): void {
    this.triggers.grantForget(fn);
    this.triggers.grantNotify(fn, { makes: false });
  }

  private makeQueue(alarms: ITopic | undefined): Queue {
    const common = {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    };
    const dead = new Queue(this, "DeadLetters", common);
    addAlarm(this, "DeadLettersAlarm", {
      metric: dead.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum", period: Duration.minutes(5) }),
      threshold: 1,
      severity: "page",
      says: "A message of the home's queue could not be handled; a job may not move on.",
      runbook: "dead-letters",
      topic: alarms,
    });
    return new Queue(this, "Queue", {
      ...common,
      visibilityTimeout: Duration.seconds(READER_TIMEOUT.toSeconds() * 6),
      deadLetterQueue: { queue: dead, maxReceiveCount: MAX_RECEIVES },
    });
  }

  private forward(id: string, topic: string, eventPattern: EventPattern): void {
    const body = topic === "jobs.attempt" ? { detail: { tags: EventField.fromPath("$.detail.tags") } } : {};
    new Rule(this, id, { eventPattern, targets: [this.target(topic, body)] });
  }

  /** Activities go on to triggers and notifications; one that is announced twice is one message. */
  private forwardNews(id: string, detail: Readonly<Record<string, unknown>>): void {
    const message = {
      topic: "activities.happened",
      id: EventField.fromPath("$.detail.id"),
      body: EventField.fromPath("$.detail"),
    };
    new Rule(this, id, {
      eventBus: this.bus,
      eventPattern: { source: ["trainyard"], detail },
      targets: [new SqsQueue(this.queue, { message: RuleTargetInput.fromObject(message) })],
    });
  }

  /** A message as the home's bus sends it (src/adapters/aws/bus-envelope.ts); an event that comes twice has one id. */
  private target(topic: string, body: object): SqsQueue {
    return new SqsQueue(this.queue, { message: RuleTargetInput.fromObject({ topic, id: EventField.eventId, body }) });
  }
}
