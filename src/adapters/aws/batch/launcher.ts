import { createHash } from "node:crypto";
import type { BatchClient, JobDetail, JobSummary, SubmitJobCommandInput } from "@aws-sdk/client-batch";
import {
  DescribeComputeEnvironmentsCommand,
  DescribeJobsCommand,
  ListJobsCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from "@aws-sdk/client-batch";
import { AppError } from "../../../contract/errors.ts";
import type { ArrayOf } from "../../../core/jobs/start-attempt.ts";
import { waitSentence } from "../../../core/jobs/waiting.ts";
import type { LaunchArray, Launcher, LaunchRequest, LaunchState } from "../../../core/ports/launcher.ts";
import { rethrowFrom, statusOf } from "../fault.ts";
import type { AskActivities } from "./activities.ts";
import { makeDefinitions, shmMibOf } from "./definition.ts";
import { makePools, placementOf } from "./pools.ts";
import { HOME_TAG, type TrainingSettings } from "./settings.ts";
import { launchStateOf } from "./state.ts";
import { waitCauseOf } from "./wait-cause.ts";

export interface BatchLauncherOptions {
  readonly batch: BatchClient;
  readonly settings: TrainingSettings;
  /** The one-time code that a job's first container exchanges for the run's token. */
  readonly startCode: (of: {
    readonly workspace: string;
    readonly runId: string;
    readonly attemptId: string;
    readonly nodes: number;
  }) => Promise<string>;
  /** Where it is kept which attempts an array has, and the code that its machines exchange. Absent: each attempt is a job of its own. */
  readonly arrays?: {
    keep(array: ArrayOf, attempts: readonly string[]): Promise<readonly string[]>;
    find(array: ArrayOf): Promise<readonly string[] | undefined>;
    code(array: ArrayOf): Promise<string>;
  };
  /** What became of the machines that an environment asked for, newest first. @default unknown */
  readonly activities?: AskActivities;
  /** Between two looks at what is being set up, ms; default 1000. */
  readonly pauseMs?: number;
}

/** How a job is found again: `{job, name, queue, compute}` as JSON; of an array's child also its place. */
interface Handle {
  readonly job: string;
  readonly index?: number;
  readonly name: string;
  readonly queue: string;
  readonly compute: string;
}

const LIVE = new Set(["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]);

/** The Launcher port on AWS Batch: an attempt is a job of three containers over one volume (docs/aws-training.md). */
export function makeBatchLauncher(options: BatchLauncherOptions): Launcher {
  const { batch, settings, arrays } = options;
  const ensurePool = makePools(options);
  const ensureDefinition = makeDefinitions(options);

  function submit(request: LaunchRequest): Promise<Handle> {
    const { workspace, attemptId, resources } = request;
    return submitNamed(request, {
      name: jobNameOf(settings, `${workspace} ${attemptId}`),
      code: () => options.startCode({ ...request, nodes: resources.instanceCount }),
    });
  }

  /** Makes the job of this name, unless there is one. */
  async function submitNamed(request: LaunchRequest, of: Submission): Promise<Handle> {
    const { image } = request;
    if (image === undefined) throw new AppError("Internal", `attempt \`${request.attemptId}\` has no image`);
    const placement = placementOf(settings, request);
    const { pool } = placement;
    await ensurePool(pool);
    const { name } = of;
    const handle = (job: string): Handle => ({ job, name, queue: pool.name, compute: request.compute.name });
    const before = pick(await jobsNamed(pool.name, name));
    if (before?.jobId !== undefined) return handle(before.jobId);
    const { instanceCount: nodes, shmSize } = request.resources;
    const shmMib = shmMibOf(shmSize);
    const jobDefinition = await ensureDefinition({
      image,
      placement,
      nodes,
      ...(shmMib === undefined ? {} : { shmMib }),
    });
    const input = submission(request, {
      settings,
      jobName: name,
      jobQueue: pool.name,
      jobDefinition,
      code: await of.code(),
      ...(of.array === undefined ? {} : { array: of.array }),
    });
    const { jobId = "" } = await batch.send(new SubmitJobCommand(input));
    return handle(await settleDoubles(pool.name, name, jobId));
  }

  /**
   * Attempts that an array of this id was made of once are its children, now too; others are jobs of their own, as is one alone. So whoever launches them again,
   * all or some, makes no second job.
   */
  async function submitMany(
    arrays: NonNullable<BatchLauncherOptions["arrays"]>,
    array: LaunchArray,
    requests: readonly LaunchRequest[],
  ): Promise<readonly Handle[]> {
    const [first] = requests;
    if (first === undefined) return [];
    const of = { ...array, workspace: first.workspace };
    const ids = requests.map(({ attemptId }) => attemptId);
    const members = (await arrays.find(of)) ?? (ids.length < 2 ? [] : await arrays.keep(of, ids));
    const places = new Map(members.map((attempt, index) => [attempt, index]));
    const whole = ids.some((attempt) => places.has(attempt))
      ? await submitNamed(first, {
          name: jobNameOf(settings, `${of.workspace} ${array.run} ${array.id}`),
          code: () => arrays.code(of),
          array: { ...array, size: members.length },
        })
      : undefined;
    return Promise.all(
      requests.map((request) => {
        const index = places.get(request.attemptId);
        return whole === undefined || index === undefined ? submit(request) : { ...whole, index };
      }),
    );
  }

  /** All jobs of a name, whatever their state. */
  async function jobsNamed(queue: string, name: string): Promise<readonly JobSummary[]> {
    const { jobSummaryList = [] } = await batch.send(
      new ListJobsCommand({ jobQueue: queue, filters: [{ name: "JOB_NAME", values: [name] }] }),
    );
    return jobSummaryList;
  }

  /** Of two who submitted at the same moment, both keep the first. */
  async function settleDoubles(queue: string, name: string, mine: string): Promise<string> {
    const all = await jobsNamed(queue, name);
    const kept = pick(all)?.jobId ?? mine;
    for (const { jobId } of all) {
      if (jobId !== undefined && jobId !== kept) await terminate(jobId, "another job runs this attempt");
    }
    return kept;
  }

  async function terminate(jobId: string, reason: string): Promise<void> {
    await batch.send(new TerminateJobCommand({ jobId, reason }));
  }

  async function describe(jobId: string): Promise<JobDetail | undefined> {
    const { jobs = [] } = await batch.send(new DescribeJobsCommand({ jobs: [jobId] }));
    return jobs[0];
  }

  async function inspect(handle: Handle): Promise<LaunchState> {
    const { name, queue, compute, index } = handle;
    const id = jobIdOf(handle);
    const job = await describe(id);
    if (index !== undefined && job === undefined) {
      return { state: "gone", reason: "AWS Batch knows its job no more" };
    }
    if (job?.status !== undefined && LIVE.has(job.status))
      return launchStateOf(job, await whyWaiting(job, queue, compute));
    if (index !== undefined && job !== undefined) return launchStateOf(job);
    // A double that was ended says nothing of the one that was kept.
    const other = (await jobsNamed(queue, name)).find(({ jobId, status }) => jobId !== id && LIVE.has(status ?? ""));
    if (other?.jobId !== undefined) return { state: other.status === "RUNNING" ? "running" : "starting" };
    return job === undefined ? { state: "gone", reason: "AWS Batch knows its job no more" } : launchStateOf(job);
  }

  /** Asked for only while there is no machine: the environment may say what the job does not. */
  async function whyWaiting(job: JobDetail, queue: string, compute: string): Promise<string | undefined> {
    if (job.status === "RUNNING") return undefined;
    const asked = new DescribeComputeEnvironmentsCommand({ computeEnvironments: [queue] });
    const [environment] = job.status === "RUNNABLE" ? ((await batch.send(asked)).computeEnvironments ?? []) : [];
    const { state, status, statusReason, computeResources } = environment ?? {};
    const activities = environment === undefined ? undefined : await options.activities?.(queue, job.createdAt ?? 0);
    const cause = waitCauseOf({
      compute,
      spot: computeResources?.type === "SPOT" || computeResources?.type === "FARGATE_SPOT",
      region: settings.region,
      job: { status: job.status ?? "", ...(job.statusReason === undefined ? {} : { statusReason: job.statusReason }) },
      ...(activities === undefined ? {} : { activities }),
      ...(environment === undefined
        ? {}
        : {
            environment: {
              ...(state === undefined ? {} : { state }),
              ...(status === undefined ? {} : { status }),
              ...(statusReason === undefined ? {} : { statusReason }),
              ...(computeResources?.maxvCpus === undefined ? {} : { maxvCpus: computeResources.maxvCpus }),
              ...(computeResources?.desiredvCpus === undefined ? {} : { desiredvCpus: computeResources.desiredvCpus }),
              ...(computeResources?.instanceTypes === undefined
                ? {}
                : { instanceTypes: computeResources.instanceTypes }),
            },
          }),
    });
    return waitSentence(cause);
  }

  const asked = <T>(work: () => Promise<T>): Promise<T> => work().catch(wordFault);
  return {
    types: ["local", "cluster"],
    needsImage: true,
    launch: (request) => asked(async () => ({ handle: JSON.stringify(await submit(request)) })),
    ...(arrays === undefined
      ? {}
      : {
          launchMany: (array, requests) =>
            asked(async () => (await submitMany(arrays, array, requests)).map((handle) => JSON.stringify(handle))),
        }),
    inspect: (handle) => asked(() => inspect(JSON.parse(handle) as Handle)),
    cancel: (handle) => asked(() => terminate(jobIdOf(JSON.parse(handle) as Handle), "canceled")),
    // A machine's volume goes with its task.
    cleanup: () => Promise.resolve(),
  };
}

/** What passes is tried again; what the service refuses is the job's failure, in its words. */
function wordFault(error: unknown): never {
  if (error instanceof Error && error.name === "ClientException") {
    throw new AppError("InvalidArgument", `AWS Batch refuses it: ${error.message}`, {}, { cause: error });
  }
  if (error instanceof Error && /^AccessDenied/.test(error.name)) {
    throw new AppError("Forbidden", `this home may not use AWS Batch: ${error.message}`, {}, { cause: error });
  }
  if (statusOf(error) >= 500 || (error instanceof Error && error.name === "TimeoutError")) {
    throw new AppError("Unavailable", "AWS Batch does not answer", {}, { cause: error });
  }
  return rethrowFrom("AWS Batch")(error);
}

/** The one that counts of several of a name: one that lives before those that ended, the first before later ones. */
function pick(jobs: readonly JobSummary[]): JobSummary | undefined {
  const rank = ({ status }: JobSummary) => (LIVE.has(status ?? "") ? 0 : 1);
  return jobs.toSorted(
    (a, b) =>
      rank(a) - rank(b) || (a.createdAt ?? 0) - (b.createdAt ?? 0) || ((a.jobId ?? "") < (b.jobId ?? "") ? -1 : 1),
  )[0];
}

/** A job to be made. */
interface Submission {
  readonly name: string;
  code(): Promise<string>;
  readonly array?: LaunchArray & { readonly size: number };
}

/** Children of an array go by its id and their place. */
function jobIdOf({ job, index }: Handle): string {
  return index === undefined ? job : `${job}:${index}`;
}

/** Names take 128 letters, digits, `-` and `_`; a run's may be longer and hold others. */
function jobNameOf({ home }: TrainingSettings, what: string): string {
  const hash = createHash("sha256").update(what).digest("hex");
  return `${home}-${hash.slice(0, 24)}`;
}

function submission(
  request: LaunchRequest,
  parts: {
    readonly settings: TrainingSettings;
    readonly jobName: string;
    readonly jobQueue: string;
    readonly jobDefinition: string;
    readonly code: string;
    readonly array?: NonNullable<Submission["array"]>;
  },
): SubmitJobCommandInput {
  const { settings, code, array, ...named } = parts;
  const { workspace, runId, attemptId, apiUrl, resources } = request;
  const environment = [
    { name: "TRAINYARD_URL", value: apiUrl },
    { name: "TRAINYARD_START", value: code },
  ];
  const ecsPropertiesOverride = { taskProperties: [{ containers: [{ name: "prepare", environment }] }] };
  return {
    ...named,
    ...(array === undefined ? {} : { arrayProperties: { size: array.size } }),
    // Queues are shared: no workspace's jobs keep the others' waiting.
    shareIdentifier: workspace.replace(/[^A-Za-z0-9]/g, "") || "default",
    ...(resources.instanceCount === 1
      ? { ecsPropertiesOverride }
      : { nodeOverrides: { nodePropertyOverrides: [{ targetNodes: "0:", ecsPropertiesOverride }] } }),
    tags: {
      [HOME_TAG]: settings.home,
      "trainyard:workspace": workspace,
      "trainyard:run": array?.run ?? runId,
      // The number alone: a tag takes 256 characters, and so does a run's id.
      ...(array === undefined
        ? { "trainyard:attempt": attemptId.slice(attemptId.lastIndexOf(".") + 1) }
        : { "trainyard:array": array.id }),
    },
    propagateTags: true,
  };
}
