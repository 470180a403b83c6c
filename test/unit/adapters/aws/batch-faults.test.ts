import {
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  DescribeComputeEnvironmentsCommand,
  DescribeJobDefinitionsCommand,
  DescribeJobQueuesCommand,
  DescribeJobsCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from "@aws-sdk/client-batch";
import { mockClient } from "aws-sdk-client-mock";
import { describe, expect, test } from "vitest";
import { makeBatchLauncher } from "../../../../src/adapters/aws/batch/launcher.ts";
import type { LaunchRequest } from "../../../../src/core/ports/launcher.ts";

/** What goes wrong with a call: before it has done anything, or after, its answer being lost. */
interface Fault {
  readonly call: number;
  readonly error: Error;
  readonly done: boolean;
}

const named = (name: string, more: object = {}): Error => Object.assign(new Error(name), { name }, more);
const FAULTS: readonly (readonly [string, Error, boolean])[] = [
  ["throttled", named("TooManyRequestsException"), false],
  ["out of time", named("TimeoutError"), false],
  ["broken", named("ServerException", { $metadata: { httpStatusCode: 500 } }), false],
  ["done, and its answer lost", named("TimeoutError"), true],
];

/** AWS Batch, in memory: just enough to see what was made twice. */
function makeService(fault?: Fault) {
  const made = { environments: [] as string[], queues: [] as string[], definitions: [] as string[] };
  const jobs: { jobId: string; jobName: string; status: string; createdAt: number }[] = [];
  let calls = 0;
  const mock = mockClient(BatchClient);
  const taken = (names: string[], name: string) => {
    if (names.includes(name)) throw named("ClientException", { message: "Object already exists" });
    names.push(name);
  };
  const answer = <T>(work: () => T): T => {
    const now = calls++;
    if (fault?.call !== now) return work();
    if (fault.done) work();
    throw fault.error;
  };
  const valid = (names: string[], asked: readonly string[] = []) =>
    names.filter((name) => asked.includes(name)).map(() => ({ status: "VALID", state: "ENABLED" }));
  const on = (command: unknown, work: (input: never) => object) =>
    mock.on(command as never).callsFake((input: unknown) => answer(() => work(input as never)));
  on(DescribeJobQueuesCommand, (it: { jobQueues: string[] }) => ({ jobQueues: valid(made.queues, it.jobQueues) }));
  on(DescribeComputeEnvironmentsCommand, (it: { computeEnvironments: string[] }) => ({
    computeEnvironments: valid(made.environments, it.computeEnvironments),
  }));
  on(CreateComputeEnvironmentCommand, (it: { computeEnvironmentName: string }) => {
    taken(made.environments, it.computeEnvironmentName);
    return {};
  });
  on(CreateJobQueueCommand, (it: { jobQueueName: string }) => {
    taken(made.queues, it.jobQueueName);
    return {};
  });
  on(DescribeJobDefinitionsCommand, (it: { jobDefinitionName: string }) => ({
    jobDefinitions: made.definitions
      .filter((name) => name === it.jobDefinitionName)
      .map((name) => ({ jobDefinitionArn: `arn:${name}` })),
  }));
  on(RegisterJobDefinitionCommand, (it: { jobDefinitionName: string }) => {
    made.definitions.push(it.jobDefinitionName);
    return { jobDefinitionArn: `arn:${it.jobDefinitionName}` };
  });
  on(ListJobsCommand, (it: { filters: { values: string[] }[] }) => ({
    jobSummaryList: jobs.filter(({ jobName }) => it.filters[0]?.values.includes(jobName)),
  }));
  on(SubmitJobCommand, (it: { jobName: string }) => {
    const jobId = `id-${jobs.length}`;
    jobs.push({ jobId, jobName: it.jobName, status: "SUBMITTED", createdAt: jobs.length });
    return { jobId };
  });
  on(TerminateJobCommand, (it: { jobId: string }) => {
    for (const job of jobs) if (job.jobId === it.jobId) job.status = "FAILED";
    return {};
  });
  on(DescribeJobsCommand, (it: { jobs: string[] }) => ({ jobs: jobs.filter(({ jobId }) => it.jobs.includes(jobId)) }));
  return { made, jobs, calls: () => calls };
}

const REQUEST: LaunchRequest = {
  attemptId: "job.1",
  workspace: "w",
  runId: "job",
  apiUrl: "https://api",
  runToken: "secret",
  compute: { name: "gpu", type: "cluster", settings: { size: "g5.xlarge" } },
  resources: { instanceCount: 1 },
  image: "image",
};

const makeLauncher = () =>
  makeBatchLauncher({
    batch: new BatchClient({}),
    startCode: async () => "code",
    pauseMs: 0,
    settings: {
      home: "yard",
      region: "us-east-1",
      nodeImage: "node",
      subnetIds: ["subnet-1"],
      assignPublicIp: true,
      securityGroupId: "sg-1",
      instanceProfileArn: "arn:p",
      launchTemplateId: "lt-1",
      executionRoleArn: "arn:e",
      schedulingPolicyArn: "arn:s",
      logGroup: "jobs",
      maxVcpus: 8,
    },
  });

/** Tries until it is launched, each time as a process that knows nothing of the one before. */
async function launch(): Promise<{ readonly handle: string; readonly errors: readonly unknown[] }> {
  const errors: unknown[] = [];
  for (let tries = 0; tries < 5; tries++) {
    try {
      return { ...(await makeLauncher().launch(REQUEST)), errors };
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, "it is never launched");
}

const healthy = makeService();
await launch();
const CALLS = Array.from({ length: healthy.calls() }, (_, call) => call);

describe.each(FAULTS)("a call that is %s", (_, error, done) => {
  test.each(CALLS)("as number %i of a launch makes the job wait, and nothing twice", async (call) => {
    const service = makeService({ call, error, done });

    const { handle, errors } = await launch();

    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ name: "AppError", code: "Unavailable" });
    const live = service.jobs.filter(({ status }) => status !== "FAILED");
    expect(live.map(({ jobId }) => jobId)).toEqual([JSON.parse(handle).job]);
    expect(service.jobs).toHaveLength(1);
    expect(service.made).toMatchObject({ environments: ["yard-g5-dedicated"], queues: ["yard-g5-dedicated"] });
    expect(new Set(service.made.definitions).size).toBe(1);
  });
});

test("there are calls to go wrong", () => {
  expect(CALLS.length).toBeGreaterThanOrEqual(9);
});
