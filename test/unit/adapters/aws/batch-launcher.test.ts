import {
  BatchClient,
  ClientException,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  DescribeComputeEnvironmentsCommand,
  DescribeJobDefinitionsCommand,
  DescribeJobQueuesCommand,
  DescribeJobsCommand,
  type JobDetail,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from "@aws-sdk/client-batch";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import { makeBatchLauncher } from "../../../../src/adapters/aws/batch/launcher.ts";
import type { TrainingSettings } from "../../../../src/adapters/aws/batch/settings.ts";
import type { LaunchRequest } from "../../../../src/core/ports/launcher.ts";
import { expectCode } from "../../../helpers/ports.ts";

const batch = mockClient(BatchClient);
const SETTINGS: TrainingSettings = {
  home: "yard",
  region: "us-east-1",
  nodeImage: "registry/node:24",
  subnetIds: ["subnet-a"],
  assignPublicIp: true,
  securityGroupId: "sg-1",
  instanceProfileArn: "arn:profile",
  launchTemplateId: "lt-1",
  executionRoleArn: "arn:execution",
  schedulingPolicyArn: "arn:policy",
  logGroup: "yard-jobs",
  maxVcpus: 256,
};

const launcherWith = (settings: Partial<TrainingSettings> = {}) =>
  makeBatchLauncher({
    batch: new BatchClient({}),
    settings: { ...SETTINGS, ...settings },
    startCode: async ({ attemptId, nodes }) => `code of ${attemptId} for ${nodes}`,
    pauseMs: 0,
  });

function request(more: Partial<LaunchRequest> = {}, settings: Record<string, unknown> = {}): LaunchRequest {
  return {
    attemptId: "job.1",
    workspace: "my-space",
    runId: "job",
    apiUrl: "https://api",
    runToken: "secret",
    compute: { name: "pool", type: "cluster", settings },
    resources: { instanceCount: 1 },
    image: "registry/image@sha256:1",
    ...more,
  };
}

const onFargate = request({ compute: { name: "local", type: "local", settings: {} } });

beforeEach(() => {
  batch.reset();
  batch.on(DescribeJobQueuesCommand).resolves({ jobQueues: [{ status: "VALID", state: "ENABLED" }] as never });
  batch.on(DescribeJobDefinitionsCommand).resolves({ jobDefinitions: [] });
  batch.on(RegisterJobDefinitionCommand).resolves({ jobDefinitionArn: "arn:definition:1" });
  batch.on(ListJobsCommand).resolves({ jobSummaryList: [] });
  batch.on(SubmitJobCommand).resolves({ jobId: "id-1" });
});

const definition = () => batch.commandCalls(RegisterJobDefinitionCommand)[0]?.args[0].input;
const submitted = () => batch.commandCalls(SubmitJobCommand)[0]?.args[0].input;
const handleOf = async (launcher = launcherWith()) => (await launcher.launch(request())).handle;

describe("a job's definition", () => {
  test("has three containers over one volume, which start in order", async () => {
    await launcherWith().launch(request({}, { size: "m5.xlarge" }));

    const task = definition()?.ecsProperties?.taskProperties?.[0];
    const containers = task?.containers ?? [];
    expect(definition()).toMatchObject({
      type: "container",
      platformCapabilities: ["EC2"],
      retryStrategy: { attempts: 1 },
    });
    expect(containers.map(({ name, essential, image, dependsOn }) => ({ name, essential, image, dependsOn }))).toEqual([
      { name: "prepare", essential: false, image: "registry/node:24", dependsOn: undefined },
      {
        name: "keeper",
        essential: true,
        image: "registry/node:24",
        dependsOn: [{ containerName: "prepare", condition: "SUCCESS" }],
      },
      {
        name: "user",
        essential: false,
        image: "registry/image@sha256:1",
        dependsOn: [
          { containerName: "prepare", condition: "SUCCESS" },
          { containerName: "keeper", condition: "START" },
        ],
      },
    ]);
    for (const { mountPoints, environment } of containers) {
      expect(mountPoints).toEqual([{ sourceVolume: "trainyard", containerPath: "/trainyard", readOnly: false }]);
      expect(environment).toEqual([{ name: "TRAINYARD_VOLUME", value: "/trainyard" }]);
    }
    expect(task).not.toHaveProperty("taskRoleArn");
    expect(task).not.toHaveProperty("executionRoleArn");
    expect(JSON.stringify(definition()).length).toBeLessThan(24 * 1024);
  });

  test("asks for the whole machine: its vCPUs, its GPUs and what memory its system leaves", async () => {
    await launcherWith().launch(request({}, { size: "g5.2xlarge" }));

    const containers = definition()?.ecsProperties?.taskProperties?.[0]?.containers ?? [];
    const sum = (type: string) =>
      containers
        .flatMap((container) => container.resourceRequirements ?? [])
        .filter((requirement) => requirement.type === type)
        .reduce((total, { value }) => total + Number(value), 0);
    expect(sum("VCPU")).toBe(8);
    expect(sum("GPU")).toBe(1);
    expect(sum("MEMORY")).toBeGreaterThan(0.9 * 32 * 1024);
    expect(sum("MEMORY")).toBeLessThan(0.97 * 32 * 1024);
    expect(containers[2]?.linuxParameters?.sharedMemorySize).toBe(2048);
  });

  test("takes the job's own size of /dev/shm", async () => {
    await launcherWith().launch(request({ resources: { instanceCount: 1, shmSize: "8g" } }, { size: "m5.4xlarge" }));

    const user = definition()?.ecsProperties?.taskProperties?.[0]?.containers?.[2];
    expect(user?.linuxParameters?.sharedMemorySize).toBe(8192);
  });

  test("on Fargate sums up to a size that Fargate has, and says what has no machine to say it", async () => {
    await launcherWith().launch(onFargate);

    const task = definition()?.ecsProperties?.taskProperties?.[0];
    const needs = (task?.containers ?? []).flatMap((container) => container.resourceRequirements ?? []);
    const sum = (type: string) =>
      needs.filter((need) => need.type === type).reduce((total, { value }) => total + Number(value), 0);
    expect([sum("VCPU"), sum("MEMORY")]).toEqual([2, 8192]);
    expect(definition()?.platformCapabilities).toEqual(["FARGATE"]);
    expect(task).toMatchObject({
      executionRoleArn: "arn:execution",
      networkConfiguration: { assignPublicIp: "ENABLED" },
    });
    expect(task?.volumes).toEqual([{ name: "trainyard" }]);
    expect(submitted()?.jobQueue).toBe("yard-fargate-dedicated");
  });

  test("is registered once for each content", async () => {
    const launcher = launcherWith();
    await launcher.launch(request());
    await launcher.launch(request({ attemptId: "other.1", runId: "other" }));
    await launcher.launch(request({ attemptId: "third.1", runId: "third", image: "registry/another" }));

    const names = batch.commandCalls(RegisterJobDefinitionCommand).map((call) => call.args[0].input.jobDefinitionName);
    expect(new Set(names).size).toBe(2);
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^yard-[0-9a-f]{32}$/);
  });

  test("that is there is used as it is", async () => {
    batch
      .on(DescribeJobDefinitionsCommand)
      .resolves({ jobDefinitions: [{ jobDefinitionArn: "arn:definition:7" }] as never });

    await launcherWith().launch(request());

    expect(batch.commandCalls(RegisterJobDefinitionCommand)).toHaveLength(0);
    expect(submitted()?.jobDefinition).toBe("arn:definition:7");
  });
});

describe("launching", () => {
  test("hands over the one-time code, and never the token", async () => {
    await launcherWith().launch(request());

    expect(submitted()).toMatchObject({
      jobQueue: "yard-cpu-dedicated",
      shareIdentifier: "myspace",
      tags: {
        "trainyard:home": "yard",
        "trainyard:workspace": "my-space",
        "trainyard:run": "job",
        "trainyard:attempt": "1",
      },
      ecsPropertiesOverride: {
        taskProperties: [
          {
            containers: [
              {
                name: "prepare",
                environment: [
                  { name: "TRAINYARD_URL", value: "https://api" },
                  { name: "TRAINYARD_START", value: "code of job.1 for 1" },
                ],
              },
            ],
          },
        ],
      },
    });
    expect(JSON.stringify([submitted(), definition()])).not.toContain("secret");
  });

  test("the same attempt again finds the job there is", async () => {
    const handle = await handleOf();
    const name = submitted()?.jobName ?? "";
    batch
      .on(ListJobsCommand, { jobQueue: "yard-cpu-dedicated", filters: [{ name: "JOB_NAME", values: [name] }] })
      .resolves({ jobSummaryList: [{ jobId: "id-1", jobName: name, status: "RUNNING" }] });

    expect(await handleOf()).toBe(handle);
    expect(batch.commandCalls(SubmitJobCommand)).toHaveLength(1);
  });

  test("of two who submit at the same moment, both keep the first job and one ends the other", async () => {
    batch
      .on(ListJobsCommand)
      .resolvesOnce({ jobSummaryList: [] })
      .resolves({
        jobSummaryList: [
          { jobId: "id-1", jobName: "x", status: "SUBMITTED", createdAt: 2 },
          { jobId: "id-0", jobName: "x", status: "SUBMITTED", createdAt: 1 },
        ],
      });

    expect(JSON.parse(await handleOf())).toMatchObject({ job: "id-0" });
    expect(batch.commandCalls(TerminateJobCommand).map((call) => call.args[0].input.jobId)).toEqual(["id-1"]);
  });

  test("another attempt is another job", async () => {
    const launcher = launcherWith();
    await launcher.launch(request());
    await launcher.launch(request({ attemptId: "job.2" }));

    const names = batch.commandCalls(SubmitJobCommand).map((call) => call.args[0].input.jobName ?? "");
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);
  });

  test.each([
    [{ tier: "low_priority" }, {}, "yard-cpu-spot"],
    [{ size: "Standard_NC6s_v3" }, {}, "yard-g5-dedicated"],
    [{ size: "p4d.24xlarge", tier: "spot" }, {}, "yard-p4d-spot"],
  ])("a cluster of %j runs in pool %s%s", async (settings, more, queue) => {
    await launcherWith().launch(request(more, settings));

    expect(submitted()?.jobQueue).toBe(queue);
  });

  test("a job that chooses its machine gets it from the pools too", async () => {
    const compute = { name: "local", type: "local", settings: {} };
    await launcherWith().launch(
      request({ compute, resources: { instanceCount: 1, instanceType: "Standard_NC4as_T4_v3", spot: true } }),
    );

    expect(submitted()?.jobQueue).toBe("yard-g4dn-spot");
  });

  test("what AWS Batch refuses is refused in its words; what passes may be tried again", async () => {
    batch.on(SubmitJobCommand).rejects(new ClientException({ $metadata: {}, message: "image is odd" }));
    await expectCode(handleOf(), "InvalidArgument");

    batch.on(SubmitJobCommand).rejects(Object.assign(new Error("slow down"), { name: "TooManyRequestsException" }));
    await expectCode(handleOf(), "Unavailable");
  });
});

describe("several machines", () => {
  const several = request({ resources: { instanceCount: 3 } }, { size: "g5.12xlarge" });

  test("are one job of as many nodes, of exactly that type, each with the three containers", async () => {
    await launcherWith({ multiNodeSubnetIds: ["subnet-p"], multiNodeSecurityGroupId: "sg-2" }).launch(several);

    const [range] = definition()?.nodeProperties?.nodeRangeProperties ?? [];
    expect(definition()).toMatchObject({ type: "multinode", nodeProperties: { numNodes: 3, mainNode: 0 } });
    expect(range).toMatchObject({ targetNodes: "0:", instanceTypes: ["g5.12xlarge"] });
    expect(range?.ecsProperties?.taskProperties?.[0]?.containers).toHaveLength(3);
    expect(submitted()?.jobQueue).toBe("yard-g5-nodes");
    expect(submitted()?.nodeOverrides?.nodePropertyOverrides?.[0]).toMatchObject({
      targetNodes: "0:",
      ecsPropertiesOverride: {
        taskProperties: [{ containers: [{ environment: [{}, { value: "code of job.1 for 3" }] }] }],
      },
    });
  });

  test("are refused on spot, and where the network has no place for them", async () => {
    batch.on(DescribeJobQueuesCommand).resolves({ jobQueues: [] });
    batch.on(DescribeComputeEnvironmentsCommand).resolves({ computeEnvironments: [] });

    await expectCode(launcherWith().launch(several), "NotSupported");
    await expectCode(
      launcherWith().launch(request({ resources: { instanceCount: 2 } }, { tier: "spot" })),
      "NotSupported",
    );
  });
});

describe("a pool that is not there yet", () => {
  const gpu = request({}, { size: "g5.xlarge", tier: "spot" });

  test("is made: machines first, from none up, then their queue", async () => {
    batch
      .on(DescribeJobQueuesCommand)
      .resolvesOnce({ jobQueues: [] })
      .resolvesOnce({ jobQueues: [] })
      .resolves({ jobQueues: [{ status: "VALID", state: "ENABLED" }] as never });
    batch
      .on(DescribeComputeEnvironmentsCommand)
      .resolvesOnce({ computeEnvironments: [] })
      .resolves({ computeEnvironments: [{ status: "VALID", state: "ENABLED" }] as never });

    await launcherWith().launch(gpu);

    expect(batch.commandCalls(CreateComputeEnvironmentCommand)[0]?.args[0].input).toMatchObject({
      computeEnvironmentName: "yard-g5-spot",
      type: "MANAGED",
      computeResources: {
        type: "SPOT",
        allocationStrategy: "SPOT_PRICE_CAPACITY_OPTIMIZED",
        minvCpus: 0,
        maxvCpus: 256,
        instanceTypes: ["g5"],
        ec2Configuration: [{ imageType: "ECS_AL2023_NVIDIA" }],
        launchTemplate: { launchTemplateId: "lt-1" },
        subnets: ["subnet-a"],
      },
      tags: { "trainyard:home": "yard" },
    });
    expect(batch.commandCalls(CreateJobQueueCommand)[0]?.args[0].input).toMatchObject({
      jobQueueName: "yard-g5-spot",
      schedulingPolicyArn: "arn:policy",
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: "yard-g5-spot" }],
      tags: { "trainyard:home": "yard" },
    });
    expect(submitted()?.jobQueue).toBe("yard-g5-spot");
  });

  test("makes the job wait while it is set up, says why it can't be, and lets another make it", async () => {
    batch.on(DescribeJobQueuesCommand).resolves({ jobQueues: [] });
    const environment = (status: string, statusReason?: string) =>
      batch
        .on(DescribeComputeEnvironmentsCommand)
        .resolves({ computeEnvironments: [{ status, statusReason, state: "ENABLED" }] as never });

    environment("CREATING");
    await expect(launcherWith().launch(gpu)).rejects.toMatchObject({
      code: "Unavailable",
      message: "the machines of pool `yard-g5-spot` are being set up, which is done once",
    });

    environment("INVALID", "the subnet is gone");
    await expect(launcherWith().launch(gpu)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringContaining("the subnet is gone"),
    });

    batch.on(DescribeComputeEnvironmentsCommand).resolves({ computeEnvironments: [] });
    batch
      .on(CreateComputeEnvironmentCommand)
      .rejects(new ClientException({ $metadata: {}, message: "Object already exists" }));
    await expectCode(launcherWith().launch(gpu), "Unavailable");
    expect(batch.commandCalls(SubmitJobCommand)).toHaveLength(0);
  });
});

describe("looking at a job", () => {
  const look = async (job: Partial<JobDetail> | undefined) => {
    batch.on(DescribeJobsCommand).resolves({ jobs: job === undefined ? [] : [job as JobDetail] });
    return launcherWith().inspect(await handleOf());
  };
  const containers = (...ends: object[]) => ({ ecsProperties: { taskProperties: [{ containers: ends }] } });

  test("that waits tells why", async () => {
    batch.on(DescribeComputeEnvironmentsCommand).resolves({ computeEnvironments: [] });

    expect(await look({ status: "RUNNABLE", statusReason: "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY" })).toMatchObject({
      state: "starting",
      reason: expect.stringContaining("AWS has no machines of the asked kind"),
    });
    expect(await look({ status: "STARTING" })).toMatchObject({ state: "starting" });
    expect(await look({ status: "RUNNING" })).toEqual({ state: "running" });
  });

  test("that ended gives the keeper's exit code, and the first container that failed", async () => {
    const done = containers({ name: "prepare", exitCode: 0 }, { name: "keeper", exitCode: 3 });

    expect(await look({ status: "FAILED", statusReason: "Essential container in task exited", ...done })).toMatchObject(
      {
        state: "exited",
        exitCode: 3,
        reason: expect.stringContaining("container `keeper` ended with exit code 3"),
      },
    );
    expect(
      await look({
        status: "FAILED",
        statusReason: "Task failed to start",
        ...containers({ name: "prepare", reason: "CannotPullContainerError: not found" }),
      }),
    ).toMatchObject({ reason: "its containers could not run: CannotPullContainerError: not found" });
  });

  test.each([
    [{ statusReason: "Host EC2 (instance i-1) terminated." }, "Host EC2 (instance i-1) terminated"],
    [{ statusReason: "Your Spot Task was interrupted." }, "Your Spot Task was interrupted"],
    [
      {
        statusReason: "Essential container in task exited",
        ...containers({ name: "keeper", exitCode: 75 }),
      },
      "its machine was taken away",
    ],
    [
      { statusReason: "Task failed to start", ...containers({ name: "prepare", exitCode: 75 }) },
      "its machine was taken away",
    ],
  ])("whose machine went away is interrupted: %j", async (job, reason) => {
    expect(await look({ status: "FAILED", ...job })).toMatchObject({ state: "exited", interrupted: true, reason });
  });

  test("that somebody terminated is not", async () => {
    const state = await look({
      status: "FAILED",
      statusReason: "by hand",
      isTerminated: true,
      ...containers({ name: "keeper", exitCode: 75 }),
    });

    expect(state).toMatchObject({ state: "exited", reason: "terminated: by hand" });
    expect(state).not.toHaveProperty("interrupted");
  });

  test("that is forgotten is gone, unless another runs the attempt", async () => {
    expect(await look(undefined)).toMatchObject({ state: "gone" });

    const handle = await handleOf();
    batch.on(ListJobsCommand).resolves({ jobSummaryList: [{ jobId: "id-9", jobName: "x", status: "RUNNING" }] });
    batch.on(DescribeJobsCommand).resolves({ jobs: [{ status: "FAILED", isTerminated: true } as JobDetail] });
    expect(await launcherWith().inspect(handle)).toEqual({ state: "running" });
  });

  test("canceling terminates it", async () => {
    const launcher = launcherWith();
    await launcher.cancel(await handleOf(launcher), 10);

    expect(batch.commandCalls(TerminateJobCommand)[0]?.args[0].input).toEqual({ jobId: "id-1", reason: "canceled" });
  });
});

describe("attempts that are launched together", () => {
  function openArrays() {
    const kept = new Map<string, readonly string[]>();
    const launcher = makeBatchLauncher({
      batch: new BatchClient({}),
      settings: SETTINGS,
      startCode: async ({ attemptId }) => `code of ${attemptId}`,
      arrays: {
        async keep({ run, id }, attempts) {
          const standing = kept.get(`${run} ${id}`) ?? attempts;
          kept.set(`${run} ${id}`, standing);
          return standing;
        },
        find: async ({ run, id }) => kept.get(`${run} ${id}`),
        code: async ({ run, id }) => `code of array ${id} of ${run}`,
      },
      pauseMs: 0,
    });
    const launch = async (id: string, attempts: readonly string[]): Promise<readonly Record<string, unknown>[]> => {
      const requests = attempts.map((attemptId) => request({ attemptId, runId: attemptId.slice(0, -2) }));
      const handles = (await launcher.launchMany?.({ run: "sweep", id }, requests)) ?? [];
      return handles.map((handle) => JSON.parse(handle));
    };
    return { launcher, launch };
  }
  const trials = (count: number) => Array.from({ length: count }, (_, i) => `trial${i}.1`);
  const submissions = () => batch.commandCalls(SubmitJobCommand).map(({ args }) => args[0].input);

  test("are one array job, whose code and tags name none of them", async () => {
    const handles = await openArrays().launch("a", trials(3));

    expect(submissions()).toHaveLength(1);
    expect(submitted()).toMatchObject({
      arrayProperties: { size: 3 },
      tags: { "trainyard:run": "sweep", "trainyard:array": "a" },
    });
    expect(JSON.stringify(submitted())).toContain("code of array a of sweep");
    expect(JSON.stringify(submitted())).not.toContain("trial0");
    expect(handles.map(({ job, index }) => [job, index])).toEqual([
      ["id-1", 0],
      ["id-1", 1],
      ["id-1", 2],
    ]);
  });

  test("a sweep of 10,000 trials, in waves of 1,000, is 10 calls of SubmitJob", async () => {
    const { launch } = openArrays();

    for (let wave = 0; wave < 10; wave++) await launch(`wave${wave}`, trials(1000));

    expect(submissions().map(({ arrayProperties }) => arrayProperties?.size)).toEqual(Array(10).fill(1000));
  });

  test("and launched again, some of them, are the same children", async () => {
    const { launch } = openArrays();
    await launch("a", trials(3));
    batch.on(ListJobsCommand).resolves({ jobSummaryList: [{ jobId: "id-1", jobName: "it", status: "PENDING" }] });

    const again = await launch("a", ["trial2.1"]);

    expect(submissions()).toHaveLength(1);
    expect(again).toMatchObject([{ job: "id-1", index: 2 }]);
  });

  test("one that is alone is a job of its own", async () => {
    const [handle] = await openArrays().launch("a", ["trial0.1"]);

    expect(submitted()?.arrayProperties).toBeUndefined();
    expect(JSON.stringify(submitted())).toContain("code of trial0.1");
    expect(handle).not.toHaveProperty("index");
  });

  test("are looked at and canceled one by one", async () => {
    const { launcher, launch } = openArrays();
    const handle = JSON.stringify((await launch("a", trials(2)))[1]);
    batch.on(DescribeJobsCommand, { jobs: ["id-1:1"] }).resolves({
      jobs: [{ jobId: "id-1:1", status: "FAILED", statusReason: "Host EC2 (instance i-1) terminated." } as JobDetail],
    });

    expect(await launcher.inspect(handle)).toMatchObject({ state: "exited", interrupted: true });
    await launcher.cancel(handle, 1);
    expect(batch.commandCalls(TerminateJobCommand)[0]?.args[0].input.jobId).toBe("id-1:1");
    batch.on(DescribeJobsCommand).resolves({ jobs: [] });
    expect(await launcher.inspect(handle)).toMatchObject({ state: "gone" });
  });
});
