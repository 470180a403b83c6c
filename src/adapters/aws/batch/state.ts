import type { JobDetail } from "@aws-sdk/client-batch";
import type { LaunchState } from "../../../core/ports/launcher.ts";

/** Our containers' word for: ended from outside, nothing final was said (src/runner/containers/interruption.ts). */
const INTERRUPTED_CODE = 75;
/** How the service words the loss of a machine. */
const MACHINE_LOST = /^Host EC2|Spot (?:Task|instance|capacity)|spot interruption/i;

interface Ended {
  readonly name?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

/** What AWS Batch knows of a job, as the Launcher port says it. `waiting`: why it has no machine yet, where that is known. */
export function launchStateOf(job: JobDetail, waiting?: string): LaunchState {
  switch (job.status) {
    case "RUNNING":
      return { state: "running" };
    case "SUCCEEDED":
    case "FAILED":
      return ended(job);
    default:
      return waiting === undefined ? { state: "starting" } : { state: "starting", reason: waiting };
  }
}

function ended(job: JobDetail): LaunchState {
  const containers = containersOf(job);
  const keeper = containers.find(({ name }) => name === "keeper");
  const told = job.statusReason ?? job.attempts?.at(-1)?.statusReason ?? "";
  const wasInterrupted = containers.some(({ name, exitCode }) => name !== "user" && exitCode === INTERRUPTED_CODE);
  const wasLost = MACHINE_LOST.test(told) || (wasInterrupted && job.isTerminated !== true);
  const code = keeper?.exitCode;
  return {
    state: "exited",
    reason: wasLost ? wordLoss(told) : wordEnd(job, told, containers),
    ...(code === undefined ? {} : { exitCode: code }),
    ...(wasLost ? { interrupted: true } : {}),
  };
}

function wordLoss(told: string): string {
  return MACHINE_LOST.test(told) ? told.replace(/\.$/, "") : "its machine was taken away";
}

/** Of a job that left no report: the first container that failed, else what the service says. */
function wordEnd(job: JobDetail, told: string, containers: readonly Ended[]): string {
  if (job.isTerminated === true || job.isCancelled === true)
    return told === "" ? "it was terminated" : `terminated: ${told}`;
  const broken = containers.find(({ reason }) => reason !== undefined);
  if (broken !== undefined) return `its containers could not run: ${broken.reason}`;
  const failed = containers.find(({ exitCode }) => exitCode !== undefined && exitCode !== 0);
  if (failed !== undefined) {
    return `container \`${failed.name}\` ended with exit code ${failed.exitCode} and left no report; its own words are in the home's log of jobs`;
  }
  return told === "" ? "the job ended and left no report" : told;
}

/** In the order in which they start; what is known of one stands with the job or with its attempt. */
function containersOf(job: JobDetail): readonly Ended[] {
  const ofJob: readonly Ended[] = job.ecsProperties?.taskProperties?.[0]?.containers ?? [];
  const ofAttempt: readonly Ended[] = job.attempts?.at(-1)?.taskProperties?.[0]?.containers ?? [];
  const all = [...ofJob, ...ofAttempt];
  return ["prepare", "keeper", "user"].map((name) => {
    const known = all.filter((container) => container.name === name);
    return {
      name,
      exitCode: known.find(({ exitCode }) => exitCode !== undefined)?.exitCode,
      reason: known.find(({ reason }) => reason !== undefined && reason !== "")?.reason,
    };
  });
}
