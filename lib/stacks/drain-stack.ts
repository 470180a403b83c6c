import { ArnFormat, CustomResource, Duration, Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { WORKSPACE_STORAGE } from "../../src/store/facts/keys.ts";
import { accept } from "../constructs/accept.ts";
import { HomeFunction } from "../constructs/home-function.ts";
import { grantFreeStorage } from "../constructs/workspace-storage.ts";
import type { DataStack } from "./data-stack.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

export interface DrainStackProps extends HomeStackProps {
  readonly data: DataStack;
  /** Everything else of the home: goes after this. */
  readonly before: readonly Stack[];
}

/** Does nothing until the home goes: then it is the first to, and takes away what was made at run time (schedules, Batch environments and queues, functions of deployments), which would hold on to roles and network, and be billed. */
export class DrainStack extends Stack {
  constructor(scope: Construct, id: string, { before, data, ...props }: DrainStackProps) {
    super(scope, id, props);
    const { stage } = props;
    for (const stack of before) this.addDependency(stack, "what was made at run time goes first");
    const drain = new HomeFunction(this, "Drain", {
      stage,
      entry: "drain.ts",
      memorySize: 256,
      timeout: Duration.minutes(15),
    });
    this.grantBatch(drain, stage.name);
    this.grantFunctions(drain, stage.name);
    const group = this.arn("scheduler", "schedule-group", stage.name);
    drain.allow("scheduler", ["DeleteScheduleGroup", "GetScheduleGroup"], [group]);
    // A group goes with its schedules.
    drain.allow("scheduler", ["DeleteSchedule"], [this.arn("scheduler", "schedule", `${stage.name}/*`)]);
    const rules = this.arn("events", "rule", `${stage.name}-trigger-*`);
    drain.allow("events", ["DeleteRule", "ListTargetsByRule", "RemoveTargets"], [rules]);
    drain.allow("events", ["ListRules"], [this.arn("events", "rule", "*")]);
    const topics = (name: string) => this.formatArn({ service: "sns", resource: name });
    drain.allow("sns", ["DeleteTopic"], [topics(`${stage.name}-notify-*`)]);
    drain.allow("sns", ["ListTopics"], [topics("*")]);
    const repositories = this.arn("ecr", "repository", "*");
    drain.allow("ecr", ["DescribeRepositories"], [repositories]);
    this.grantListOfStorage(drain, data);
    if (!stage.retain) {
      this.grantAll(drain, stage.name, data);
      grantFreeStorage(drain, stage);
    }
    new CustomResource(this, "Drained", {
      resourceType: "Custom::Drained",
      serviceToken: drain.handler.functionArn,
      serviceTimeout: Duration.minutes(16),
    });
  }

  private grantBatch(drain: HomeFunction, home: string): void {
    const made = (resource: string) => this.arn("batch", resource, `${home}-*`);
    // Descriptions are for no resource.
    drain.allow("batch", ["DescribeComputeEnvironments", "DescribeJobDefinitions", "DescribeJobQueues"], ["*"]);
    drain.allow("batch", ["DeleteJobQueue", "UpdateJobQueue"], [made("job-queue")]);
    drain.allow("batch", ["DeleteComputeEnvironment", "UpdateComputeEnvironment"], [made("compute-environment")]);
    drain.allow("batch", ["DeregisterJobDefinition"], [made("job-definition")]);
    accept(drain, { "AwsSolutions-IAM5": "what was made at run time is known by the beginning of its name only" });
  }

  /** Functions of deployments, and their logs. */
  private grantFunctions(drain: HomeFunction, home: string): void {
    const made = (service: string, resource: string, resourceName: string) =>
      this.formatArn({ service, resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    // The list is for no resource.
    drain.allow("lambda", ["ListFunctions"], ["*"]);
    drain.allow("lambda", ["DeleteFunction"], [made("lambda", "function", `${home}-serve-*`)]);
    drain.allow("logs", ["DescribeLogGroups"], [made("logs", "log-group", "*")]);
    drain.allow("logs", ["DeleteLogGroup"], [made("logs", "log-group", `/aws/lambda/${home}-serve-*`)]);
  }

  /** Reads what workspaces have of their own, and no other record. */
  private grantListOfStorage(drain: HomeFunction, { table, key }: DataStack): void {
    drain.handler.addEnvironment("TABLE_NAME", table.tableName);
    drain.handler.addToRolePolicy(
      new PolicyStatement({
        actions: ["dynamodb:Query"],
        resources: [table.tableArn],
        conditions: { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [WORKSPACE_STORAGE] } },
      }),
    );
    if (key !== undefined) drain.allow("kms", ["Decrypt"], [key.keyArn]);
  }

  /** Of a home that leaves nothing. */
  private grantAll(drain: HomeFunction, home: string, { objects }: DataStack): void {
    drain.handler.addEnvironment("BUCKET_NAME", objects.bucketName);
    drain.allow("ecr", ["DeleteRepository"], [this.arn("ecr", "repository", `${home}/*`)]);
    drain.allow("s3", ["DeleteObject", "DeleteObjectVersion"], [objects.arnForObjects("*")]);
    drain.allow("s3", ["ListBucketVersions"], [objects.bucketArn]);
  }

  private arn(service: string, resource: string, resourceName: string): string {
    return this.formatArn({ service, resource, resourceName });
  }
}
