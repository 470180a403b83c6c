import { Stack } from "aws-cdk-lib";
import { CfnComputeEnvironment, CfnJobQueue, CfnSchedulingPolicy } from "aws-cdk-lib/aws-batch";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { accept } from "../constructs/accept.ts";
import type { HomeFunction } from "../constructs/home-function.ts";
import { JobMachines } from "../constructs/job-machines.ts";
import { JobNetwork, zonesOf } from "../constructs/job-network.ts";
import { RunnerProgram } from "../constructs/runner-program.ts";
import type { HomeStackProps } from "./home-stack-props.ts";
import type { ImagesStack } from "./images-stack.ts";

export interface TrainingStackProps extends HomeStackProps {
  readonly images: ImagesStack;
}

/** As src/adapters/aws/batch/pools.ts names and makes them (a test holds both together): what most homes use is there from the start, the others are made with the first job that wants them. */
const CPU_FAMILIES = ["c5", "c6i", "m5", "m6i", "r5", "r6i"];
const TIERS = ["dedicated", "spot"] as const;

/** Our containers' image; any Node 24 would do. */
const NODE_IMAGE = "docker/library/node:24-slim";

/**
 * Jobs on AWS Batch: network, roles, how machines start, and the pools of machines without GPUs. No machine runs and nothing is billed while there is no job:
 * environments begin at 0 vCPUs, and machines have a public address for as long as they run, instead of a NAT.
 */
export class TrainingStack extends Stack {
  private readonly home: string;
  private readonly network: JobNetwork;
  private readonly machines: JobMachines;
  private readonly policy: CfnSchedulingPolicy;
  private readonly program: RunnerProgram;
  private readonly settings: object;

  /** A network compares its zones with these, which would otherwise be looked up in the account. */
  override get availabilityZones(): string[] {
    return zonesOf(this.region);
  }

  constructor(scope: Construct, id: string, { stage, images, ...props }: TrainingStackProps) {
    super(scope, id, props);
    this.home = stage.name;
    this.network = new JobNetwork(this, "Network", stage);
    this.machines = new JobMachines(this, "Machines", { stage, publicRegistry: images.publicRegistry });
    this.program = new RunnerProgram(this, "Runner");
    this.policy = new CfnSchedulingPolicy(this, "FairShare", {
      name: stage.name,
      fairsharePolicy: { computeReservation: 0, shareDecaySeconds: 3600, shareDistribution: [] },
    });
    const { maxVcpus } = stage.job;
    for (const tier of TIERS) {
      const isSpot = tier === "spot";
      this.addPool(`Fargate${isSpot ? "Spot" : ""}`, `fargate-${tier}`, {
        type: isSpot ? "FARGATE_SPOT" : "FARGATE",
        maxvCpus: maxVcpus,
      });
      this.addPool(`Cpu${isSpot ? "Spot" : ""}`, `cpu-${tier}`, {
        type: isSpot ? "SPOT" : "EC2",
        allocationStrategy: isSpot ? "SPOT_PRICE_CAPACITY_OPTIMIZED" : "BEST_FIT_PROGRESSIVE",
        minvCpus: 0,
        maxvCpus: maxVcpus,
        instanceTypes: CPU_FAMILIES,
        instanceRole: this.machines.instanceProfileArn,
        launchTemplate: {
          launchTemplateId: this.machines.launchTemplateId,
          version: this.machines.launchTemplateVersion,
        },
        ec2Configuration: [{ imageType: "ECS_AL2023" }],
        tags: { "trainyard:home": this.home, Name: `${this.home}-cpu-${tier}` },
      });
    }
    const { network, machines } = this;
    this.settings = {
      home: this.home,
      region: this.region,
      nodeImage: `${images.publicRegistry}/${NODE_IMAGE}`,
      subnetIds: network.subnetIds,
      ...(network.multiNodeSubnetIds === undefined ? {} : { multiNodeSubnetIds: network.multiNodeSubnetIds }),
      assignPublicIp: network.isPublic,
      securityGroupId: network.securityGroupId,
      ...(network.multiNodeSecurityGroupId === undefined
        ? {}
        : { multiNodeSecurityGroupId: network.multiNodeSecurityGroupId }),
      instanceProfileArn: machines.instanceProfileArn,
      launchTemplateId: machines.launchTemplateId,
      executionRoleArn: machines.executionRole.roleArn,
      schedulingPolicyArn: this.policy.attrArn,
      logGroup: machines.log.logGroupName,
      maxVcpus,
    };
  }

  /** Exchanges one-time codes for tokens and the runner's address. */
  grantStart(fn: HomeFunction): void {
    this.program.grantHandOut(fn);
  }

  /** Starts jobs, makes pools, follows and ends what is this home's. */
  grantTraining(fn: HomeFunction): void {
    const { home } = this;
    fn.handler.addEnvironment("TRAINING", this.toJsonString(this.settings));
    const batch = (resource: string, resourceName: string) =>
      this.formatArn({ service: "batch", resource, resourceName });
    const ours = {
      queues: batch("job-queue", `${home}-*`),
      environments: batch("compute-environment", `${home}-*`),
      definitions: batch("job-definition", `${home}-*`),
    };
    const jobs = batch("job", "*");
    fn.allow(
      "batch",
      ["DescribeComputeEnvironments", "DescribeJobDefinitions", "DescribeJobQueues", "DescribeJobs", "ListJobs"],
      ["*"],
    );
    // Why no machine comes: quotas are told there only.
    fn.allow("autoscaling", ["DescribeScalingActivities"], ["*"]);
    fn.allow("batch", ["RegisterJobDefinition"], [ours.definitions]);
    fn.allow("batch", ["SubmitJob"], [ours.definitions, ours.queues]);
    fn.allow("batch", ["CreateComputeEnvironment"], [ours.environments]);
    fn.allow("batch", ["CreateJobQueue"], [ours.queues, ours.environments, this.policy.attrArn]);
    fn.allow("batch", ["TagResource"], [...Object.values(ours), jobs]);
    fn.handler.addToRolePolicy(
      new PolicyStatement({
        actions: ["batch:TerminateJob"],
        resources: [jobs],
        conditions: { StringEquals: { "aws:ResourceTag/trainyard:home": home } },
      }),
    );
    const { instanceRole, executionRole } = this.machines;
    fn.allow("iam", ["PassRole"], [instanceRole.roleArn, executionRole.roleArn]);
    accept(fn, {
      "AwsSolutions-IAM5":
        "descriptions know no resources; what is made at run time is named after the home, and jobs carry its tag",
    });
  }

  /** An environment and its queue of the same name; both stay while their settings change. */
  private addPool(id: string, pool: string, resources: PoolResources): void {
    const name = `${this.home}-${pool}`;
    const environment = new CfnComputeEnvironment(this, `${id}Environment`, {
      computeEnvironmentName: name,
      type: "MANAGED",
      replaceComputeEnvironment: false,
      computeResources: {
        ...resources,
        subnets: [...this.network.subnetIds],
        securityGroupIds: [this.network.securityGroupId],
      },
      tags: { "trainyard:home": this.home },
    });
    new CfnJobQueue(this, `${id}Queue`, {
      jobQueueName: name,
      priority: 1,
      schedulingPolicyArn: this.policy.attrArn,
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: environment.attrComputeEnvironmentArn }],
      tags: { "trainyard:home": this.home },
    });
  }
}

type PoolResources = Omit<CfnComputeEnvironment.ComputeResourcesProperty, "subnets" | "securityGroupIds">;
