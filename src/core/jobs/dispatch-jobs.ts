import { ERRORS, isAppError } from "../../contract/errors.ts";
import { signRunToken } from "../auth/tokens.ts";
import type { ComputeStore } from "../computes/ports.ts";
import type { ComputeRecord } from "../computes/record.ts";
import { slotsOf } from "../computes/slots.ts";
import type { Builder } from "../ports/builder.ts";
import type { Clock } from "../ports/clock.ts";
import type { Launcher, LaunchRequest } from "../ports/launcher.ts";
import type { Signer } from "../ports/signer.ts";
import { secretsNamed } from "../secrets/secrets.ts";
import { assignmentOf } from "./assign-run.ts";
import { changeJob, statusDeed } from "./change-job.ts";
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
  const queue = await deps.jobs.queue(workspace, compute);
  const slots = slotsOf(record, deps.defaultSlots);
  const weigh = makeScale(deps, record, slots);
  let free = slots;
  for (const entry of queue) if (entry.holds) free -= await weigh(entry.job);
  const launches: Promise<void>[] = [];
  for (const entry of queue) {
    if (free <= 0) break;
    if (entry.holds) continue;
    const weight = await weigh(entry.job);
    // Smaller ones that came later wait too: else a large one would never find room.
    if (weight > free) break;
    const claimed = await claim(deps, workspace, entry.job, compute);
    if (claimed === undefined) continue;
    free -= weight;
    launches.push(launchAttempt(deps, record, claimed));
  }
  await Promise.all(launches);
  return launches.length;
}

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
    (before) => step(before, event),
    () => undefined,
  );
  return changed ? job : undefined;
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
    const { handle } = await handOver(deps, compute, job, attempt, image);
    const event = {
      kind: "launched",
      attemptId: attempt.id,
      handle,
      ...(image === undefined ? {} : { image }),
    } as const;
    await changeJob(
      deps,
      job.workspace,
      job.name,
      (before) => step(before, event),
      () => undefined,
    );
  } catch (error) {
    await launchFailed(deps, job, attempt, error);
  } finally {
    deps.launching.delete(attemptName(job, attempt));
  }
}

const attemptName = (job: JobRecord, attempt: AttemptRecord): string => `${job.workspace} ${attempt.id}`;

async function handOver(
  deps: DispatchDeps,
  compute: ComputeRecord,
  job: JobRecord,
  attempt: AttemptRecord,
  image: string | undefined,
): Promise<{ readonly handle: string }> {
  const launcher = launcherFor(deps, compute);
  const { type, ...settings } = compute.spec;
  return launcher.launch({
    attemptId: attempt.id,
    workspace: job.workspace,
    runId: job.name,
    apiUrl: deps.address(),
    runToken: await signRunToken(deps.signer, job.workspace, job.name),
    compute: { name: compute.name, type, settings },
    resources: resourcesOf(commandJob(job)),
    ...(image === undefined ? {} : { image }),
    ...givenAssignment(commandJob(job), attempt, deps.address()),
  });
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
