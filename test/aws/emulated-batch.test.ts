import { spawnSync } from "node:child_process";
import {
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  DescribeJobsCommand,
  type JobDetail,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  type SubmitJobRequest,
  type TaskContainerProperties,
  TerminateJobCommand,
} from "@aws-sdk/client-batch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unique, until } from "../helpers/ports.ts";
import { openEmulator } from "./emulator.ts";
import { AWS, startMinistack } from "./ministack.ts";

let stop: () => Promise<void>;
let batch: BatchClient;
let emulator: ReturnType<typeof openEmulator>;
const queue = "queue";

beforeAll(async () => {
  const started = await startMinistack();
  stop = started.stop;
  emulator = openEmulator(started.endpoint);
  batch = new BatchClient({ ...AWS, endpoint: started.endpoint });
  const made = await batch.send(
    new CreateComputeEnvironmentCommand({
      computeEnvironmentName: "env",
      type: "MANAGED",
      computeResources: { type: "EC2", maxvCpus: 4, subnets: ["subnet-1"], instanceRole: "r", instanceTypes: ["m5"] },
    }),
  );
  await batch.send(
    new CreateJobQueueCommand({
      jobQueueName: queue,
      priority: 1,
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: made.computeEnvironmentArn ?? "" }],
    }),
  );
});

afterAll(async () => {
  batch?.destroy();
  await stop?.();
});

type Told = Partial<TaskContainerProperties> & { readonly name: string; readonly script: string };

const container = ({ script, ...more }: Told): TaskContainerProperties => ({
  image: "public.ecr.aws/docker/library/node:24-slim",
  command: ["sh", "-c", script],
  resourceRequirements: [
    { type: "VCPU", value: "1" },
    { type: "MEMORY", value: "512" },
  ],
  mountPoints: [{ sourceVolume: "work", containerPath: "/volume" }],
  ...more,
});

async function submit(containers: readonly Told[], more: Partial<SubmitJobRequest> = {}): Promise<string> {
  const { jobDefinitionArn = "" } = await batch.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: unique("definition"),
      type: "container",
      ecsProperties: { taskProperties: [{ containers: containers.map(container), volumes: [{ name: "work" }] }] },
    }),
  );
  const { jobId = "" } = await batch.send(
    new SubmitJobCommand({ jobName: unique("job"), jobQueue: queue, jobDefinition: jobDefinitionArn, ...more }),
  );
  return jobId;
}

async function describeJob(jobId: string): Promise<JobDetail> {
  const { jobs: [job] = [] } = await batch.send(new DescribeJobsCommand({ jobs: [jobId] }));
  if (job === undefined) throw new Error(`no job ${jobId}`);
  return job;
}

const reaches = (jobId: string, ...statuses: readonly string[]): Promise<JobDetail> =>
  until(async () => {
    const job = await describeJob(jobId);
    return statuses.includes(job.status ?? "") ? job : undefined;
  }, `job ${jobId} to be ${statuses}`);

async function logsOf(jobId: string): Promise<Readonly<Record<string, string>>> {
  return (await emulator.jobs()).find((job) => job.jobId === jobId)?.logs ?? {};
}

/** Of all processes of this machine. */
function commandLines(): readonly string[] {
  return spawnSync("ps", ["-e", "-o", "args"], { encoding: "utf8" }).stdout.split("\n");
}

const three = (user: string, keeper = "until test -e /volume/exit; do sleep 0.02; done; exit $(cat /volume/exit)") => [
  { name: "prepare", essential: false, script: "echo prepared > /volume/said" },
  {
    name: "keeper",
    script: keeper,
    dependsOn: [{ containerName: "prepare", condition: "SUCCESS" }],
  },
  {
    name: "user",
    essential: false,
    script: user,
    dependsOn: [
      { containerName: "prepare", condition: "SUCCESS" },
      { containerName: "keeper", condition: "START" },
    ],
  },
];

describe("the emulated Batch", () => {
  test("runs containers in order over one volume, with their own variables, and ends by the essential one", async () => {
    const jobId = await submit(three('cat "$SAID"; echo "$AWS_BATCH_JOB_ATTEMPT $EXTRA"; echo 7 > /volume/exit'), {
      ecsPropertiesOverride: {
        taskProperties: [
          {
            containers: [
              {
                name: "user",
                environment: [
                  { name: "SAID", value: "/volume/said" },
                  { name: "EXTRA", value: "yes" },
                ],
              },
            ],
          },
        ],
      },
    });

    const job = await reaches(jobId, "SUCCEEDED", "FAILED");

    expect(job).toMatchObject({
      status: "FAILED",
      statusReason: "Essential container in task exited",
      attempts: [{ taskProperties: [{ containers: [{ exitCode: 0 }, { name: "keeper", exitCode: 7 }, {}] }] }],
    });
    expect((await logsOf(jobId)).user).toBe("prepared\n1 yes\n");
  });

  test("never starts what depends on a success that did not come", async () => {
    const [, ...others] = three("echo started");
    const jobId = await submit([{ name: "prepare", essential: false, script: "exit 3" }, ...others]);

    const job = await reaches(jobId, "FAILED");

    expect(job.ecsProperties?.taskProperties?.[0]?.containers?.[1]).toMatchObject({ exitCode: 143 });
    expect((await logsOf(jobId)).user).toBeUndefined();
  });

  test("stops dependents first, by SIGTERM and then by SIGKILL", async () => {
    const order = "trap 'echo user >> /volume/order; exit 0' TERM; echo up; while :; do sleep 0.02; done";
    const keeper =
      "trap 'echo keeper >> /volume/order; cat /volume/order; exit 9' TERM; echo up; while :; do sleep 0.02; done";
    const jobId = await submit(three(order, keeper));
    await reaches(jobId, "RUNNING");
    const isUp = async (id: string, container: string) => (await logsOf(id))[container]?.startsWith("up") === true;
    await until(async () => (await isUp(jobId, "user")) && (await isUp(jobId, "keeper")), "both traps");

    await batch.send(new TerminateJobCommand({ jobId, reason: "enough" }));

    expect(await reaches(jobId, "FAILED")).toMatchObject({ statusReason: "enough", isTerminated: true });
    expect((await logsOf(jobId)).keeper).toBe("up\nuser\nkeeper\n");

    await emulator.stopTimeout(0.1);
    const stubborn = await submit([{ name: "user", script: "trap '' TERM; echo up; while :; do sleep 0.02; done" }]);
    await until(() => isUp(stubborn, "user"), "its trap");
    await batch.send(new TerminateJobCommand({ jobId: stubborn, reason: "now" }));
    const killed = await reaches(stubborn, "FAILED");
    expect(killed.attempts?.[0]?.taskProperties?.[0]?.containers?.[0]?.exitCode).toBe(137);
    await emulator.stopTimeout(30);
  });

  test("ends all of a container with its first process", async () => {
    const seconds = `${1000 + Math.random()}`;
    const jobId = await submit([{ name: "user", script: `set -m; sleep ${seconds} & exit 0` }]);

    expect((await reaches(jobId, "SUCCEEDED", "FAILED")).status).toBe("SUCCEEDED");
    await until(() => !commandLines().some((line) => line.includes(seconds)), "the end of what it left");
  });

  test("makes another attempt when the machine goes, if told to", async () => {
    const jobId = await submit([{ name: "user", script: 'test "$AWS_BATCH_JOB_ATTEMPT" = 2 || sleep 60' }], {
      retryStrategy: { attempts: 2, evaluateOnExit: [{ onStatusReason: "Host EC2*", action: "RETRY" }] },
    });
    await reaches(jobId, "RUNNING");

    await emulator.interrupt(jobId);

    const job = await reaches(jobId, "SUCCEEDED", "FAILED");
    expect(job.status).toBe("SUCCEEDED");
    expect(job.attempts).toMatchObject([
      { statusReason: "Host EC2 (instance i-0123456789abcdef0) terminated." },
      { statusReason: "Essential container in task exited" },
    ]);
  });

  test("keeps jobs waiting for vCPUs, and says why where a test holds them", async () => {
    const statusReason = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested";
    await emulator.hold({ match: { jobName: "held" }, status: "RUNNABLE", statusReason });
    const held = await submit([{ name: "user", script: "exit 0" }], { jobName: "held" });
    expect(await reaches(held, "RUNNABLE")).toMatchObject({ statusReason });

    const large = { name: "user", resourceRequirements: [{ type: "MEMORY" as const, value: "1" }] };
    const needs = (vcpus: string) => [{ type: "VCPU" as const, value: vcpus }, ...large.resourceRequirements];
    const first = await submit([{ ...large, resourceRequirements: needs("3"), script: "sleep 60" }]);
    await reaches(first, "RUNNING");
    const second = await submit([{ ...large, resourceRequirements: needs("2"), script: "exit 0" }]);
    await reaches(second, "RUNNABLE");
    await batch.send(new TerminateJobCommand({ jobId: first, reason: "room" }));

    expect((await reaches(second, "SUCCEEDED", "FAILED")).status).toBe("SUCCEEDED");
    await emulator.release();
    expect((await reaches(held, "SUCCEEDED", "FAILED")).status).toBe("SUCCEEDED");
  });

  test("fails a job whose image can't be pulled", async () => {
    const jobId = await submit([{ name: "user", image: "example.test/no-such-image:1", script: "exit 0" }]);

    const job = await reaches(jobId, "FAILED");

    expect(job.statusReason).toBe("Task failed to start");
    expect(job.attempts?.[0]?.taskProperties?.[0]?.containers?.[0]?.reason).toMatch(/^CannotPullContainerError/);
  });

  test("starts the nodes of a multi-node job together, and ends them with the main one", async () => {
    const script =
      'echo "$AWS_BATCH_JOB_NODE_INDEX/$AWS_BATCH_JOB_NUM_NODES"; test $AWS_BATCH_JOB_NODE_INDEX = 0 || sleep 60';
    const task = { containers: [container({ name: "user", script })], volumes: [{ name: "work" }] };
    const { jobDefinitionArn = "" } = await batch.send(
      new RegisterJobDefinitionCommand({
        jobDefinitionName: unique("nodes"),
        type: "multinode",
        nodeProperties: {
          numNodes: 2,
          mainNode: 0,
          nodeRangeProperties: [{ targetNodes: "0:", ecsProperties: { taskProperties: [task] } }],
        },
      }),
    );
    const { jobId = "" } = await batch.send(
      new SubmitJobCommand({ jobName: "nodes", jobQueue: queue, jobDefinition: jobDefinitionArn }),
    );

    expect((await reaches(jobId, "SUCCEEDED", "FAILED")).status).toBe("SUCCEEDED");
    expect((await describeJob(`${jobId}#1`)).nodeDetails).toEqual({ nodeIndex: 1, isMainNode: false });
    expect((await logsOf(`${jobId}#0`)).user).toBe("0/2\n");
  });
});
