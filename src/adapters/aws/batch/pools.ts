import type { BatchClient, CreateComputeEnvironmentCommandInput } from "@aws-sdk/client-batch";
import {
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  DescribeComputeEnvironmentsCommand,
  DescribeJobQueuesCommand,
} from "@aws-sdk/client-batch";
import { AppError } from "../../../contract/errors.ts";
import { machineFor, type Tier, tierOf } from "../../../core/computes/cluster.ts";
import { CPU_POOL_FAMILIES, type Machine } from "../../../core/computes/machines.ts";
import type { LaunchRequest } from "../../../core/ports/launcher.ts";
import { HOME_TAG, type TrainingSettings } from "./settings.ts";

/** One queue and the machines behind it, shared by all computes that want such machines. */
export interface Pool {
  /** Of queue and compute environment. */
  readonly name: string;
  readonly tier: Tier;
  /** Families of its machines; none: Fargate, which has no machines of ours. */
  readonly families: readonly string[];
  readonly hasGpu: boolean;
  /** Its jobs have several machines each. */
  readonly isMultiNode: boolean;
}

export interface Placement {
  readonly pool: Pool;
  /** The machine that the job has for itself; absent on Fargate. */
  readonly machine?: Machine;
}

/** Where a job runs: a cluster's size and tier, or what the job asks for where the home has the choice. */
export function placementOf(settings: TrainingSettings, { compute, resources }: LaunchRequest): Placement {
  const { size, tier: word } = compute.settings as { readonly size?: string; readonly tier?: string };
  const isCluster = compute.type === "cluster";
  const tier = isCluster ? tierOf(word) : resources.spot === true ? "spot" : "dedicated";
  const isMultiNode = resources.instanceCount > 1;
  const isSmall = !isCluster && !isMultiNode && resources.instanceType === undefined && resources.shmSize === undefined;
  if (isSmall)
    return { pool: poolNamed(settings, "fargate", { tier, families: [], hasGpu: false, isMultiNode: false }) };
  const { machine } = machineFor(isCluster ? size : resources.instanceType);
  const hasGpu = machine.gpus > 0;
  const group = hasGpu ? machine.family : "cpu";
  const families = hasGpu ? [machine.family] : CPU_POOL_FAMILIES;
  if (isMultiNode && tier === "spot") {
    throw new AppError("NotSupported", "AWS Batch gives a job of several machines no spot machines", {
      hint: "run it on a compute of tier `dedicated`",
    });
  }
  return { pool: poolNamed(settings, group, { tier, families, hasGpu, isMultiNode }), machine };
}

function poolNamed({ home }: TrainingSettings, group: string, pool: Omit<Pool, "name">): Pool {
  return { ...pool, name: `${home}-${group}-${pool.isMultiNode ? "nodes" : pool.tier}` };
}

/** How often, and how far apart, the service is asked whether what was just made is ready. */
const LOOKS = 5;

/**
 * The queue of a pool, ready to take jobs; made, with its machines' environment, where there is none yet. Throws Unavailable while that is being done.
 * Two who make it at once make one: names are taken once.
 */
export function makePools(options: {
  readonly batch: BatchClient;
  readonly settings: TrainingSettings;
  /** Between two looks, ms; default 1000. */
  readonly pauseMs?: number;
}): (pool: Pool) => Promise<void> {
  const { batch, settings, pauseMs = 1000 } = options;
  const ready = new Set<string>();

  /** True when the queue takes jobs; false when something was begun or is under way. */
  async function look(pool: Pool): Promise<boolean> {
    const queue = await findQueue(batch, pool.name);
    if (queue !== undefined) return judge(pool, "queue", queue);
    const found = await findEnvironment(batch, pool.name);
    if (found === undefined)
      await create(() => batch.send(new CreateComputeEnvironmentCommand(environmentOf(settings, pool))));
    else if (judge(pool, "environment", found)) {
      await create(() =>
        batch.send(
          new CreateJobQueueCommand({
            jobQueueName: pool.name,
            priority: 1,
            schedulingPolicyArn: settings.schedulingPolicyArn,
            computeEnvironmentOrder: [{ order: 1, computeEnvironment: pool.name }],
            tags: { [HOME_TAG]: settings.home },
          }),
        ),
      );
    }
    return false;
  }

  return async (pool) => {
    if (ready.has(pool.name)) return;
    for (let looks = 0; looks < LOOKS; looks++) {
      if (await look(pool)) {
        ready.add(pool.name);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    throw new AppError("Unavailable", `the machines of pool \`${pool.name}\` are being set up, which is done once`);
  };
}

interface Found {
  readonly state?: string | undefined;
  readonly status?: string | undefined;
  readonly statusReason?: string | undefined;
}

async function findQueue(batch: BatchClient, name: string): Promise<Found | undefined> {
  const { jobQueues = [] } = await batch.send(new DescribeJobQueuesCommand({ jobQueues: [name] }));
  return jobQueues.find(({ status }) => status !== "DELETED");
}

async function findEnvironment(batch: BatchClient, name: string): Promise<Found | undefined> {
  const asked = new DescribeComputeEnvironmentsCommand({ computeEnvironments: [name] });
  const { computeEnvironments = [] } = await batch.send(asked);
  return computeEnvironments.find(({ status }) => status !== "DELETED");
}

function judge(pool: Pool, what: string, { state, status, statusReason }: Found): boolean {
  if (status === "DELETING") throw new AppError("Unavailable", `${what} \`${pool.name}\` is being deleted`);
  if (status === "INVALID") {
    throw new AppError("Unavailable", `${what} \`${pool.name}\` is not usable: ${statusReason ?? "no reason is told"}`);
  }
  if (state === "DISABLED") throw new AppError("Unavailable", `${what} \`${pool.name}\` takes no jobs: it is disabled`);
  return status === "VALID";
}

/** Somebody may have been faster. */
async function create(make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!(error instanceof Error && /already exists/i.test(error.message))) throw error;
  }
}

function environmentOf(settings: TrainingSettings, pool: Pool): CreateComputeEnvironmentCommandInput {
  const { home, maxVcpus } = settings;
  const tags = { [HOME_TAG]: home };
  const subnets = pool.isMultiNode ? settings.multiNodeSubnetIds : settings.subnetIds;
  const group = pool.isMultiNode ? settings.multiNodeSecurityGroupId : settings.securityGroupId;
  if (subnets === undefined || group === undefined) {
    throw new AppError("NotSupported", "this home's network has no place for jobs of several machines", {
      hint: "AWS Batch gives them no public address: name subnets with a way out of their own in `network.privateSubnetIds` of trainyard.config.ts, and deploy",
    });
  }
  const isSpot = pool.tier === "spot";
  const common = { maxvCpus: maxVcpus, subnets: [...subnets], securityGroupIds: [group] };
  if (pool.families.length === 0) {
    return {
      computeEnvironmentName: pool.name,
      type: "MANAGED",
      computeResources: { ...common, type: isSpot ? "FARGATE_SPOT" : "FARGATE" },
      tags,
    };
  }
  return {
    computeEnvironmentName: pool.name,
    type: "MANAGED",
    computeResources: {
      ...common,
      type: isSpot ? "SPOT" : "EC2",
      allocationStrategy: isSpot ? "SPOT_PRICE_CAPACITY_OPTIMIZED" : "BEST_FIT_PROGRESSIVE",
      minvCpus: 0,
      instanceTypes: [...pool.families],
      instanceRole: settings.instanceProfileArn,
      launchTemplate: { launchTemplateId: settings.launchTemplateId, version: "$Latest" },
      ec2Configuration: [{ imageType: pool.hasGpu ? "ECS_AL2023_NVIDIA" : "ECS_AL2023" }],
      tags: { ...tags, Name: pool.name },
    },
    tags,
  };
}
