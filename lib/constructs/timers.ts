import { Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { accept } from "./accept.ts";
import type { HomeFunction } from "./home-function.ts";

export interface TimersProps {
  /** Name of the home, and of its group of schedules. */
  readonly home: string;
  /** Where every timer's message goes. */
  readonly queue: IQueue;
}

/** The home's group of one-time schedules (src/adapters/aws/timer.ts), and the role by which they send to its queue, and do nothing else. An empty group costs nothing, and a group goes with all that is in it. */
export class Timers extends Construct {
  private readonly role: Role;
  private readonly group: CfnScheduleGroup;
  private readonly queue: IQueue;

  constructor(scope: Construct, id: string, { home, queue }: TimersProps) {
    super(scope, id);
    this.queue = queue;
    this.group = new CfnScheduleGroup(this, "Group", { name: home });
    this.role = new Role(this, "Role", {
      description: "EventBridge Scheduler, to send what is due to the queue",
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: {
          StringEquals: { "aws:SourceAccount": Stack.of(this).account },
          ArnEquals: { "aws:SourceArn": this.group.attrArn },
        },
      }),
    });
    this.role.addToPolicy(new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [queue.queueArn] }));
  }

  /** Sets timers; those that are cancelled fire for nothing. */
  grantSet(fn: HomeFunction): void {
    const stack = Stack.of(this);
    const group = this.group.name ?? "";
    const settings = { group, queueArn: this.queue.queueArn, roleArn: this.role.roleArn };
    fn.handler.addEnvironment("TIMERS", stack.toJsonString(settings));
    const ours = stack.formatArn({ service: "scheduler", resource: "schedule", resourceName: `${group}/*` });
    fn.allow("scheduler", ["CreateSchedule"], [ours]);
    fn.handler.addToRolePolicy(
      new PolicyStatement({
        actions: ["iam:PassRole"],
        resources: [this.role.roleArn],
        conditions: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
      }),
    );
    accept(fn, { "AwsSolutions-IAM5": "a timer's name is made when it is set; its group is the home's own" });
  }
}
