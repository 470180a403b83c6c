import { ERRORS, isAppError } from "../../contract/errors.ts";
import { signRunToken } from "../auth/tokens.ts";
import type { ComputeStore } from "../computes/ports.ts";
import type { ComputeRecord } from "../computes/record.ts";
import { slotsOf } from "../computes/slots.ts";
import { mapLimited } from "../files/streams.ts";
import type { Builder } from "../ports/builder.ts";
import type { Clock } from "../ports/clock.ts";
import type { Launcher, LaunchRequest } from "../ports/launcher.ts";
import type { Signer } from "../ports/signer.ts";
import { secretsNamed } from "../secrets/secrets.ts";
import { assignmentOf } from "./assign-run.ts";
import { changeJob, statusDeed } from "./change-job.ts";
import { digestOf } from "./digest.ts";
import { type EndDeps, endJob } from "./end-job.ts";
import { makeImage } from "./make-image.ts";
import { type AttemptRecord, type CommandJob, commandJob, currentAttempt, type JobRecord } from "./record.ts";
import { step } from "./state.ts";

export interface DispatchDeps extends EndDeps {
  readonly computes: ComputeStore;
  readonly defaultSlots: number;
  readonly launchers: readonly Launcher[];
  readonly builder: Builder;
  readonly signer: Signer;
  readonly clock: Clock;
  /** Address of the API as this machine sees it. */
  readonly address: () => string;
  /** Attempts that are being launched by this process now. */
  readonly launching: Set<string>;
}

/**
 * Gives free slots of a compute to the jobs that came first. A slot is taken by a conditional write before the launch, and a launch is idempotent by attempt,
 * so a crash at any point loses no job and starts none twice. Calls for one compute must not overlap. Answers how many jobs it gave a slot.
 */
export async function dispatchJobs(deps: DispatchDeps, workspace: string, compute: string): Promise<number> {
  const record = await deps.computes.get(workspace, compute);
  if (record === undefined) return 0;
  const slots = slotsOf(record, deps.defaultSlots);
  // Slots are given in order, as many at once as are free: of its priority, whoever holds one has at most so many before it who don't.
  const queue = await deps.jobs.queue(workspace, compute, slots);
  const weigh = makeScale(deps, record, slots);
  let free = slots;
  for (const entry of queue) if (entry.holds) free -= await weigh(entry.job);
  const chosen: string[] = [];
  for (const entry of queue) {
    if (free <= 0 || chosen.length >= MOST) break;
    if (entry.holds) continue;
    const weight = await weigh(entry.job);
    // Smaller ones that came later wait too: else a large one would never find room.
    if (weight > free) break;
    free -= weight;
    chosen.push(entry.job);
  }
  const array = String(deps.clock.now());
  const claims = await mapLimited(chosen, AT_ONCE, (job) => claim(deps, workspace, job, compute, array));
  const claimed = claims.filter((job) => job !== undefined);
  if (chosen.length >= MOST) deps.nudge(workspace, compute);
  await launchAttempts(deps, record, claimed);
  return claimed.length;
}

/** Jobs that are given their slots at once; a launcher takes as many as one. */
const MOST = 1000;
const AT_ONCE = 16;

/** How much of a compute a job takes: of a cluster's machines, as many as it asks for; at most all, should the cluster have become smaller since. */
function makeScale(
  deps: DispatchDeps,
  { workspace, spec }: ComputeRecord,
  slots: number,
): (job: string) => Promise<number> {
  if (spec.type !== "cluster") return async () => 1;
  return async (name) => {
    const job = await deps.jobs.get(workspace, name);
    return Math.min(slots, job === undefined ? 1 : (commandJob(job).spec.resources?.instance_count ?? 1));
  };
}

async function claim(
  deps: DispatchDeps,
  workspace: string,
  name: string,
  compute: string,
  array: string,
): Promise<JobRecord | undefined> {
  const event = {
    kind: "claim",
    attemptId: `${name}.1`,
    reason: `starting on compute \`${compute}\``,
    atMs: deps.clock.now(),
  } as const;
  const { job, changed } = await changeJob(
    deps,
    workspace,
    name,
    (before) => step(before, before.composite === undefined ? event : { ...event, array }),
    () => undefined,
  );
  return changed ? job : undefined;
}

/**
 * Hands current attempts to their machines; those of one composite job that got their slots together and ask for the same go together, where the launcher can do
 * so. Safe to repeat, for all of them or some.
 */
export async function launchAttempts(
  deps: DispatchDeps,
  compute: ComputeRecord,
  jobs: readonly JobRecord[],
): Promise<void> {
  const { launchMany } = launcherFor(deps, compute);
  const groups = new Map<string, JobRecord[]>();
  const alone: JobRecord[] = [];
  for (const job of jobs) {
    const array = currentAttempt(job)?.array;
    const { composite } = job;
    if (launchMany === undefined || array === undefined || composite === undefined || nodesOf(job) > 1) alone.push(job);
    else {
      const { environment, spec } = commandJob(job);
      const key = await digestOf([
        compute.name,
        composite.parent,
        array,
        environment,
        spec.resources,
        spec.queue_settings,
      ]);
      groups.set(key, [...(groups.get(key) ?? []), job]);
    }
  }
  await Promise.all([
    ...alone.map((job) => launchAttempt(deps, compute, job)),
    ...[...groups].map(([key, group]) => launchGroup(deps, compute, key, group)),
  ]);
}

function nodesOf(job: JobRecord): number {
  return commandJob(job).spec.resources?.instance_count ?? 1;
}

/** While their image is being made, the first of them says so. */
async function launchGroup(
  deps: DispatchDeps,
  compute: ComputeRecord,
  key: string,
  jobs: readonly JobRecord[],
): Promise<void> {
  const launcher = launcherFor(deps, compute);
  const group = jobs.flatMap((job) => {
    const attempt = currentAttempt(job);
    return attempt === undefined || deps.launching.has(attemptName(job, attempt)) ? [] : [{ job, attempt }];
  });
  const [first] = group;
  const run = first?.job.composite?.parent;
  if (first === undefined || run === undefined) return;
  for (const { job, attempt } of group) deps.launching.add(attemptName(job, attempt));
  try {
    const image = launcher.needsImage === true ? await makeImage(deps, first.job, first.attempt) : undefined;
    if (launcher.needsImage === true && image === undefined) return;
    const requests = await Promise.all(group.map(({ job, attempt }) => requestOf(deps, compute, job, attempt, image)));
    const handles = (await launcher.launchMany?.({ run, id: key.slice(0, 24) }, requests)) ?? [];
    await mapLimited(group, AT_ONCE, async ({ job, attempt }, at) => {
      const handle = handles[at];
      if (handle !== undefined) await keepHandle(deps, job, attempt, handle, image);
    });
  } catch (error) {
    await mapLimited(group, AT_ONCE, ({ job, attempt }) => launchFailed(deps, job, attempt, error));
  } finally {
    for (const { job, attempt } of group) deps.launching.delete(attemptName(job, attempt));
  }
}

/** Hands the current attempt to its machine, once the image it may need is there. Safe to repeat. */
export async function launchAttempt(deps: DispatchDeps, compute: ComputeRecord, job: JobRecord): Promise<void> {
  const attempt = currentAttempt(job);
  if (attempt === undefined || deps.launching.has(attemptName(job, attempt))) return;
  deps.launching.add(attemptName(job, attempt));
  try {
    const launcher = launcherFor(deps, compute);
    const image = launcher.needsImage === true ? await makeImage(deps, job, attempt) : undefined;
    if (launcher.needsImage === true && image === undefined) return;
    const { handle } = await launcher.launch(await requestOf(deps, compute, job, attempt, image));
    await keepHandle(deps, job, attempt, handle, image);
  } catch (error) {
    await launchFailed(deps, job, attempt, error);
  } finally {
    deps.launching.delete(attemptName(job, attempt));
  }
}

const attemptName = (job: JobRecord, attempt: AttemptRecord): string => `${job.workspace} ${attempt.id}`;

async function keepHandle(
  deps: DispatchDeps,
  job: JobRecord,
  attempt: AttemptRecord,
  handle: string,
  image: string | undefined,
): Promise<void> {
  const event = {
    kind: "launched",
    attemptId: attempt.id,
    handle,
    ...(image === undefined ? {} : { image }),
  } as const;
  const keep = () =>
    changeJob(
      deps,
      job.workspace,
      job.name,
      (before) => step(before, event),
      () => undefined,
    );
  if (deps.handOvers === undefined || image !== undefined) await keep();
  else deps.handOvers.add(job.workspace, attempt.id, handle, keep);
}

async function requestOf(
  deps: DispatchDeps,
  compute: ComputeRecord,
  job: JobRecord,
  attempt: AttemptRecord,
  image: string | undefined,
): Promise<LaunchRequest> {
  const { type, ...settings } = compute.spec;
  return {
    attemptId: attempt.id,
    workspace: job.workspace,
    runId: job.name,
    apiUrl: deps.address(),
    runToken: await signRunToken(deps.signer, job.workspace, job.name),
    compute: { name: compute.name, type, settings },
    resources: resourcesOf(commandJob(job)),
    ...(image === undefined ? {} : { image }),
    ...givenAssignment(commandJob(job), attempt, deps.address()),
  };
}

/** What a runner needs not ask for; secrets are for the run's own token only. */
function givenAssignment(job: CommandJob, { id }: AttemptRecord, address: string): Pick<LaunchRequest, "assignment"> {
  const hasSecrets = secretsNamed(job.spec.environment_variables ?? {}).length > 0;
  return hasSecrets ? {} : { assignment: assignmentOf(job, id, address) };
}

function resourcesOf({ spec }: CommandJob): LaunchRequest["resources"] {
  const { instance_count, instance_type, shm_size, docker_args } = spec.resources ?? {};
  const instanceType = typeof instance_type === "string" ? instance_type : instance_type?.[0];
  const args = typeof docker_args === "string" ? docker_args : docker_args?.join(" ");
  const shmSize = shm_size ?? /--shm-size[= ]+(\S+)/.exec(args ?? "")?.[1];
  return {
    instanceCount: instance_count ?? 1,
    ...(instanceType === undefined ? {} : { instanceType }),
    ...(shmSize === undefined ? {} : { shmSize }),
    ...(spec.queue_settings?.job_tier?.toLowerCase() === "spot" ? { spot: true } : {}),
  };
}

export function launcherFor(deps: Pick<DispatchDeps, "launchers">, compute: ComputeRecord): Launcher {
  const launcher = deps.launchers.find((candidate) => candidate.types.includes(compute.spec.type));
  if (launcher === undefined) throw new Error(`no launcher serves computes of type ${compute.spec.type}`);
  return launcher;
}

/** What may pass is tried again by the reconciler; the job waits and says why. The rest is the job's failure. */
async function launchFailed(deps: DispatchDeps, job: JobRecord, attempt: AttemptRecord, error: unknown): Promise<void> {
  const { workspace, name } = job;
  if (!isAppError(error)) throw error;
  if (ERRORS[error.code].retry && error.code !== "Internal") {
    const reason = `${error.message}; it is tried again`;
    const event = { kind: "launch-delayed", attemptId: attempt.id, reason } as const;
    await changeJob(deps, workspace, name, (before) => step(before, event), statusDeed("system"));
    return;
  }
  const isBuild = error.code === "EnvironmentBuildFailed";
  const reason = isBuild ? error.message : `could not be started on compute \`${job.compute}\`: ${error.message}`;
  await endJob(deps, workspace, name, { kind: "launch-failed", attemptId: attempt.id, reason, atMs: deps.clock.now() });
}
