import {
  type BatchClient,
  type ComputeEnvironmentDetail,
  DeleteComputeEnvironmentCommand,
  DeleteJobQueueCommand,
  DeregisterJobDefinitionCommand,
  type JobQueueDetail,
  paginateDescribeComputeEnvironments,
  paginateDescribeJobDefinitions,
  paginateDescribeJobQueues,
  UpdateComputeEnvironmentCommand,
  UpdateJobQueueCommand,
} from "@aws-sdk/client-batch";
import { HOME_TAG } from "../batch/settings.ts";
import { nameOf } from "../fault.ts";
import type { Drainer } from "./drain.ts";

interface Tagged {
  readonly tags?: Record<string, string> | undefined;
  readonly status?: string | undefined;
}

/** Marks what a stack made, which goes with its stack (lib/home.ts). */
const STACK_TAG = "trainyard:stage";

/** Queues first, which ends their jobs; then the environments behind them; then the definitions. A thing must be disabled, and at rest, before it can go. */
export function batchDrainer({ client, home }: { readonly client: BatchClient; readonly home: string }): Drainer {
  const isOurs = ({ tags, status }: Tagged) =>
    tags?.[HOME_TAG] === home && tags[STACK_TAG] === undefined && status !== "DELETED";

  async function queues(): Promise<readonly JobQueueDetail[]> {
    const found: JobQueueDetail[] = [];
    for await (const { jobQueues = [] } of paginateDescribeJobQueues({ client }, {})) found.push(...jobQueues);
    return found.filter(isOurs);
  }

  async function environments(): Promise<readonly ComputeEnvironmentDetail[]> {
    const found: ComputeEnvironmentDetail[] = [];
    const pages = paginateDescribeComputeEnvironments({ client }, {});
    for await (const { computeEnvironments = [] } of pages) found.push(...computeEnvironments);
    return found.filter(isOurs);
  }

  async function stepQueue({ jobQueueName: jobQueue, state, status }: JobQueueDetail): Promise<void> {
    if (state === "ENABLED") await client.send(new UpdateJobQueueCommand({ jobQueue, state: "DISABLED" }));
    else if (isAtRest(status)) await client.send(new DeleteJobQueueCommand({ jobQueue }));
  }

  async function stepEnvironment(found: ComputeEnvironmentDetail): Promise<void> {
    const { computeEnvironmentName: computeEnvironment, state, status } = found;
    if (state === "ENABLED")
      await client.send(new UpdateComputeEnvironmentCommand({ computeEnvironment, state: "DISABLED" }));
    else if (isAtRest(status)) await client.send(new DeleteComputeEnvironmentCommand({ computeEnvironment }));
  }

  async function dropDefinitions(): Promise<void> {
    for await (const { jobDefinitions = [] } of paginateDescribeJobDefinitions({ client }, { status: "ACTIVE" })) {
      for (const { jobDefinitionArn: jobDefinition } of jobDefinitions.filter(({ tags }) => isOurs({ tags })))
        await client.send(new DeregisterJobDefinitionCommand({ jobDefinition }));
    }
  }

  return {
    async step() {
      const waiting = await queues();
      for (const queue of waiting) await stepQueue(queue).catch(laterOn);
      if (waiting.length > 0) return waiting.map(({ jobQueueName }) => `queue ${jobQueueName}`);
      const machines = await environments();
      for (const environment of machines) await stepEnvironment(environment).catch(laterOn);
      if (machines.length === 0) await dropDefinitions();
      return machines.map(({ computeEnvironmentName }) => `environment ${computeEnvironmentName}`);
    },
  };
}

function isAtRest(status: string | undefined): boolean {
  return status === "VALID" || status === "INVALID";
}

/** The service refuses what is just being changed, or still belongs to something: the next step tries again. */
function laterOn(error: unknown): void {
  if (nameOf(error) !== "ClientException") throw error;
}
