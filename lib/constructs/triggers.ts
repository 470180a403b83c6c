import { Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { accept } from "./accept.ts";
import type { HomeFunction } from "./home-function.ts";

export interface TriggersProps {
  /** Name of the home, with which names of rules begin (src/adapters/aws/event-rules.ts). */
  readonly home: string;
  /** Where events of triggers go. */
  readonly queue: Queue;
}

/** Rules of EventBridge that triggers are made of at run time, and what they may do: send to the home's queue. */
export class Triggers extends Construct {
  private readonly home: string;
  private readonly queue: Queue;
  private readonly rules: string;

  constructor(scope: Construct, id: string, { home, queue }: TriggersProps) {
    super(scope, id);
    this.home = home;
    this.queue = queue;
    this.rules = Stack.of(this).formatArn({ service: "events", resource: "rule", resourceName: `${home}-trigger-*` });
    queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("events.amazonaws.com")],
        actions: ["sqs:SendMessage"],
        resources: [queue.queueArn],
        conditions: { ArnLike: { "aws:SourceArn": this.rules } },
      }),
    );
  }

  /** Sends to topics whose name begins with the home's; those of mailboxes are made when they are asked for. */
  grantNotify(fn: HomeFunction, { makes }: { readonly makes: boolean }): void {
    const topic = (name: string) => Stack.of(this).formatArn({ service: "sns", resource: `${this.home}-${name}` });
    fn.allow("sns", ["Publish"], [topic("*")]);
    if (makes) fn.allow("sns", ["CreateTopic", "Subscribe"], [topic("notify-*")]);
    accept(fn, {
      "AwsSolutions-IAM5": "topics are named when somebody asks for them; the beginning is the home's own",
    });
  }

  /** Removes rules. */
  grantForget(fn: HomeFunction): void {
    fn.allow("events", ["DeleteRule", "RemoveTargets"], [this.rules]);
  }

  /** Makes rules that send to the home's queue, and to nothing else, and has the home's bucket tell of its objects. */
  grantTune(fn: HomeFunction, bucket: IBucket): void {
    fn.allow("events", ["DeleteRule", "PutRule", "RemoveTargets"], [this.rules]);
    fn.handler.addToRolePolicy(
      new PolicyStatement({
        actions: ["events:PutTargets"],
        resources: [this.rules],
        conditions: { "ForAllValues:ArnEquals": { "events:TargetArn": this.queue.queueArn } },
      }),
    );
    fn.allow("s3", ["GetBucketNotification", "PutBucketNotification"], [bucket.bucketArn]);
    accept(fn, { "AwsSolutions-IAM5": "a trigger's rule is named when it is made; the beginning is the home's own" });
  }
}
