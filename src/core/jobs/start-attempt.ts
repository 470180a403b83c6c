import { AppError } from "../../contract/errors.ts";
import type { StartAttempt, StartedAttempt } from "../../contract/runner.ts";
import { signRunToken } from "../auth/tokens.ts";
import type { LaunchArray } from "../ports/launcher.ts";
import type { Signer } from "../ports/signer.ts";
import { digestOf } from "./digest.ts";
import type { JobStore } from "./ports.ts";
import { currentAttempt } from "./record.ts";
import { isFinal } from "./state.ts";

/** Remembers who started an attempt. */
export interface StartStore {
  /** Notes the starter of an attempt's node, once. False: it was started by another. */
  claim(start: {
    readonly workspace: string;
    readonly run: string;
    readonly attempt: string;
    readonly node: number;
    /** Hash of what only the starter knows. */
    readonly starter: string;
  }): Promise<boolean>;
  /** Keeps which attempts an array has, by their place in it, once; answers those that were kept first. */
  keepArray(array: ArrayOf, attempts: readonly string[]): Promise<readonly string[]>;
  array(array: ArrayOf): Promise<readonly string[] | undefined>;
}

export interface ArrayOf extends LaunchArray {
  readonly workspace: string;
}

/** Where the runner's program is to be had, for a few minutes from now. */
export type RunnerProgram = () => Promise<{ readonly url: string; readonly sha256: string }>;

export interface StartDeps {
  readonly signer: Signer;
  readonly jobs: JobStore;
  readonly starts: StartStore;
  /** Absent: whoever starts an attempt here has the program already. */
  readonly runnerProgram?: RunnerProgram;
}

interface ArrayClaims {
  readonly t: "array";
  readonly ws: string;
  readonly run: string;
  readonly ar: string;
}

interface StartClaims {
  readonly t: "start";
  readonly ws: string;
  readonly run: string;
  readonly at: string;
  /** Machines of the attempt. */
  readonly n: number;
}

/**
 * The code an attempt's machine is started with. Many may see it (a job's variables are shown to whoever may describe it, and jobs wait long), so it is good for
 * one start of each machine, of the current attempt, and for nothing else.
 */
export function signStartCode(
  signer: Signer,
  of: { readonly workspace: string; readonly runId: string; readonly attemptId: string; readonly nodes: number },
): Promise<string> {
  const claims: StartClaims = { t: "start", ws: of.workspace, run: of.runId, at: of.attemptId, n: of.nodes };
  return signer.sign({ ...claims });
}

/** The same for attempts that are started as one: each machine says which of them it is to be. Good for one start of each. */
function signArrayCode(signer: Signer, { workspace, run, id }: ArrayOf): Promise<string> {
  const claims: ArrayClaims = { t: "array", ws: workspace, run, ar: id };
  return signer.sign({ ...claims });
}

/** What a launcher that starts several attempts as one keeps of them. */
export function launchArrays({ signer, starts }: Pick<StartDeps, "signer" | "starts">) {
  return {
    keep: (array: ArrayOf, attempts: readonly string[]) => starts.keepArray(array, attempts),
    find: (array: ArrayOf) => starts.array(array),
    code: (array: ArrayOf) => signArrayCode(signer, array),
  };
}

/** Which attempt a code starts on the machine that shows it. */
async function attemptOf(deps: StartDeps, { code, node = 0, index }: StartAttempt) {
  const claims = (await deps.signer.verify(code)) as StartClaims | ArrayClaims | undefined;
  if (claims?.t === "start" && node < claims.n) return { workspace: claims.ws, run: claims.run, attempt: claims.at };
  if (claims?.t === "array" && index !== undefined) {
    const { ws: workspace, run, ar: id } = claims;
    const attempt = (await deps.starts.array({ workspace, run, id }))?.[index];
    if (attempt !== undefined) return { workspace, run: attempt.slice(0, attempt.lastIndexOf(".")), attempt };
  }
  throw new AppError("Unauthenticated", "the code is not one that starts an attempt of this home");
}

/** Exchanges the code for the run's token. */
export async function startAttempt(deps: StartDeps, asked: StartAttempt): Promise<StartedAttempt> {
  const { nonce, node = 0 } = asked;
  const { workspace, run, attempt } = await attemptOf(deps, asked);
  const job = await deps.jobs.get(workspace, run);
  if (job === undefined || isFinal(job.status) || currentAttempt(job)?.id !== attempt) {
    throw new AppError("Conflict", `attempt \`${attempt}\` is over; there is nothing to start`);
  }
  const starter = await digestOf(nonce);
  if (!(await deps.starts.claim({ workspace, run, attempt, node, starter }))) {
    throw new AppError("Conflict", `attempt \`${attempt}\` was started already; its code is good for one start`);
  }
  return {
    workspace,
    run_id: run,
    attempt,
    token: await signRunToken(deps.signer, workspace, run),
    ...(deps.runnerProgram === undefined ? {} : { runner: await deps.runnerProgram() }),
  };
}
