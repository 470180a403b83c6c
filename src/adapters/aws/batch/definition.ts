import { createHash } from "node:crypto";
import type {
  BatchClient,
  EcsProperties,
  RegisterJobDefinitionCommandInput,
  ResourceRequirement,
  TaskContainerProperties,
} from "@aws-sdk/client-batch";
import { DescribeJobDefinitionsCommand, RegisterJobDefinitionCommand } from "@aws-sdk/client-batch";
import type { Machine } from "../../../core/computes/machines.ts";
import { BOOTSTRAP, VOLUME_PATH } from "./bootstrap.ts";
import type { Placement } from "./pools.ts";
import { HOME_TAG, type TrainingSettings } from "./settings.ts";

/** What a job definition is made from; two jobs with the same parts share one. */
export interface DefinitionParts {
  /** The job's image. */
  readonly image: string;
  readonly placement: Placement;
  /** Machines of the job. */
  readonly nodes: number;
  /** Of /dev/shm; only machines of ours have a choice. */
  readonly shmMib?: number;
}

/** Of each of our own containers, MiB: a Node program that passes bytes on. */
const OURS_MIB = 384;
/** Azure's default for /dev/shm is 2 GB; PyTorch's loaders need more than the 64 MB of containers. */
const SHM_MIB = 2048;
/** What a job without a wish gets on Fargate, in vCPUs and MiB: a new account may have 6 vCPUs at once. */
const FARGATE = { vcpus: 2, memoryMib: 8192 };
/** A task ends its containers one after the other; two minutes are all that Fargate and a spot notice give. */
const STOP_SEC = 120;

const GPU_VARIABLE = { name: "NVIDIA_DRIVER_CAPABILITIES", value: "compute,utility" };

interface Shares {
  readonly user: readonly ResourceRequirement[];
  readonly ours: readonly ResourceRequirement[];
}

/** The definition as it is registered; its name carries a hash of all else. */
export function definitionOf(settings: TrainingSettings, parts: DefinitionParts): RegisterJobDefinitionCommandInput {
  const { placement, nodes } = parts;
  const { machine } = placement;
  const task = taskOf(settings, parts);
  const body =
    nodes === 1
      ? {
          type: "container" as const,
          platformCapabilities: [machine === undefined ? ("FARGATE" as const) : ("EC2" as const)],
          ecsProperties: task,
        }
      : {
          type: "multinode" as const,
          platformCapabilities: ["EC2" as const],
          nodeProperties: {
            numNodes: nodes,
            mainNode: 0,
            nodeRangeProperties: [
              { targetNodes: "0:", instanceTypes: [machine?.type ?? "optimal"], ecsProperties: task },
            ],
          },
        };
  // A new attempt is a new job of ours, with a code of its own.
  const rest = { ...body, retryStrategy: { attempts: 1 }, propagateTags: true };
  const hash = createHash("sha256").update(JSON.stringify(rest)).digest("hex");
  return { ...rest, jobDefinitionName: `${settings.home}-${hash.slice(0, 32)}`, tags: { [HOME_TAG]: settings.home } };
}

function taskOf(settings: TrainingSettings, { image, placement, shmMib }: DefinitionParts): EcsProperties {
  const { machine } = placement;
  const shares = machine === undefined ? fargateShares() : machineShares(machine);
  const container = (own: TaskContainerProperties): TaskContainerProperties => ({
    ...own,
    environment: [{ name: "TRAINYARD_VOLUME", value: VOLUME_PATH }, ...(own.environment ?? [])],
    mountPoints: [{ sourceVolume: "trainyard", containerPath: VOLUME_PATH, readOnly: false }],
    logConfiguration: {
      logDriver: "awslogs",
      options: {
        "awslogs-group": settings.logGroup,
        "awslogs-region": settings.region,
        "awslogs-stream-prefix": own.name ?? "",
      },
    },
  });
  const node = { image: settings.nodeImage, resourceRequirements: [...shares.ours] };
  const prepared = { containerName: "prepare", condition: "SUCCESS" };
  const containers = [
    container({
      ...node,
      name: "prepare",
      essential: false,
      command: ["node", "--input-type=module", "-e", BOOTSTRAP],
    }),
    container({
      ...node,
      name: "keeper",
      essential: true,
      command: ["node", `${VOLUME_PATH}/runner.mjs`, "keep", VOLUME_PATH],
      dependsOn: [prepared],
      stopTimeout: STOP_SEC,
    }),
    container({
      image,
      name: "user",
      essential: false,
      command: ["/bin/sh", `${VOLUME_PATH}/user.sh`],
      // Images that are not made for GPUs would get the driver's tools only, not its libraries.
      ...((machine?.gpus ?? 0) === 0 ? {} : { environment: [GPU_VARIABLE] }),
      resourceRequirements: [...shares.user],
      // A task is ended in the reverse order: the keeper outlives the command.
      dependsOn: [prepared, { containerName: "keeper", condition: "START" }],
      stopTimeout: STOP_SEC,
      ...(machine === undefined ? {} : { linuxParameters: { sharedMemorySize: shmOf(machine, shmMib) } }),
    }),
  ];
  const volumes = [{ name: "trainyard" }];
  if (machine !== undefined) return { taskProperties: [{ containers, volumes }] };
  return {
    taskProperties: [
      {
        containers,
        volumes,
        executionRoleArn: settings.executionRoleArn,
        networkConfiguration: { assignPublicIp: settings.assignPublicIp ? "ENABLED" : "DISABLED" },
        runtimePlatform: { operatingSystemFamily: "LINUX", cpuArchitecture: "X86_64" },
        ephemeralStorage: { sizeInGiB: 100 },
      },
    ],
  };
}

/** What a task takes of a machine so that it has it for itself: all its vCPUs, and the memory that its system leaves. */
function machineShares({ vcpus, memoryGib, gpus }: Machine): Shares {
  const memoryMib = Math.floor(memoryGib * 1024 * 0.96) - 320;
  // vCPUs are shares of time, not limits: what ours don't use is the command's. The smallest machines have none to name for ours.
  const mine = vcpus >= 4 ? 1 : 0;
  return {
    user: [
      { type: "VCPU", value: String(vcpus - 2 * mine) },
      { type: "MEMORY", value: String(memoryMib - 2 * OURS_MIB) },
      ...(gpus === 0 ? [] : [{ type: "GPU" as const, value: String(gpus) }]),
    ],
    ours: [
      ...(mine === 0 ? [] : [{ type: "VCPU" as const, value: String(mine) }]),
      { type: "MEMORY", value: String(OURS_MIB) },
    ],
  };
}

/** The sum is what Fargate judges. */
function fargateShares(): Shares {
  const mine = { vcpus: 0.25, memoryMib: 512 };
  return {
    user: [
      { type: "VCPU", value: String(FARGATE.vcpus - 2 * mine.vcpus) },
      { type: "MEMORY", value: String(FARGATE.memoryMib - 2 * mine.memoryMib) },
    ],
    ours: [
      { type: "VCPU", value: String(mine.vcpus) },
      { type: "MEMORY", value: String(mine.memoryMib) },
    ],
  };
}

/** At most half of the machine's memory, where the job does not say. */
function shmOf({ memoryGib }: Machine, asked: number | undefined): number {
  return asked ?? Math.min(SHM_MIB, memoryGib * 512);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `2g`, `512m`, `1073741824`, in MiB. Undefined for what is no size. */
export function shmMibOf(text: string | undefined): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)\s*([bkmg]?)b?$/i.exec(text?.trim() ?? "");
  if (parts === null) return undefined;
  const bytes = Number(parts[1]) * (UNITS[parts[2]?.toLowerCase() ?? ""] ?? 1);
  return Math.max(1, Math.ceil(bytes / 1024 ** 2));
}

/** Registers a definition unless it is there; answers what a job names it by. */
export function makeDefinitions(options: {
  readonly batch: BatchClient;
  readonly settings: TrainingSettings;
}): (parts: DefinitionParts) => Promise<string> {
  const { batch, settings } = options;
  const known = new Map<string, string>();
  return async (parts) => {
    const input = definitionOf(settings, parts);
    const name = input.jobDefinitionName ?? "";
    const before = known.get(name);
    if (before !== undefined) return before;
    const { jobDefinitions: found = [] } = await batch.send(
      new DescribeJobDefinitionsCommand({ jobDefinitionName: name, status: "ACTIVE", maxResults: 1 }),
    );
    const arn =
      found[0]?.jobDefinitionArn ?? (await batch.send(new RegisterJobDefinitionCommand(input))).jobDefinitionArn;
    known.set(name, arn ?? name);
    return arn ?? name;
  };
}
