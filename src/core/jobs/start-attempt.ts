import { AppError } from "../../contract/errors.ts";
import type { StartAttempt, StartedAttempt } from "../../contract/runner.ts";
import { signRunToken } from "../auth/tokens.ts";
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

/** Exchanges the code for the run's token. */
export async function startAttempt(deps: StartDeps, { code, nonce, node = 0 }: StartAttempt): Promise<StartedAttempt> {
  const claims = (await deps.signer.verify(code)) as StartClaims | undefined;
  if (claims?.t !== "start" || node >= claims.n) {
    throw new AppError("Unauthenticated", "the code is not one that starts an attempt of this home");
  }
  const { ws: workspace, run, at: attempt } = claims;
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
