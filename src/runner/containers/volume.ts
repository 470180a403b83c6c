import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import type { Assignment, RunnerReport } from "../../contract/runner.ts";
import type { Ports } from "../ports.ts";
import type { RunnerRequest } from "../request.ts";
import { replaceFile } from "../state.ts";
import type { CredentialsPlace } from "./credentials.ts";

/** The machines of an attempt that has several, as one of them sees it. */
export interface Nodes {
  /** 0 is the main one: it speaks for the attempt. */
  readonly index: number;
  readonly count: number;
  /** Address of the main node; absent on itself. */
  readonly main?: string;
}

/** What `prepare` leaves for `keeper`. */
export interface PreparedFile {
  readonly assignment: Assignment;
  readonly ports: Ports;
  /** Labels of the processes the command may be started as; of several machines, those of this one. */
  readonly ranks: readonly string[];
  readonly environment: NonNullable<RunnerReport["environment"]>;
  /** Where the command expects its AWS credentials; absent: it has none. */
  readonly credentials?: CredentialsPlace;
}

/** Names on the volume that an attempt's containers share. What is not here is as a laptop's work folder has it. */
export function volumePaths(volume: string) {
  const at = (name: string) => join(volume, name);
  return {
    /** Written by whoever exchanged the one-time code. */
    request: at("request.json"),
    prepared: at("prepared.json"),
    /** Run by the user's container; the only thing of ours that it sees run. */
    script: at("user.sh"),
    /** Variables of the command's processes that are known only when all machines are up; the script waits for it. */
    nodes: at("nodes.sh"),
    /** How many processes were started: a number. */
    ranks: at("ranks"),
    /** A named pipe: what a process writes. */
    output: (rank: number) => at(`out.${rank}`),
    started: (rank: number) => at(`started.${rank}`),
    /** A process's exit code. */
    exit: (rank: number) => at(`exit.${rank}`),
    /** What the machine's GPUs do, as the driver's tool words it. */
    graphics: at("gpu.csv"),
    /** Asks the script to end the command. */
    stop: at("stop"),
    /** The script was told to end by somebody else. */
    terminated: at("terminated"),
  };
}

/** The request as the start of the machine left it. */
export function readVolumeRequest(volume: string): RunnerRequest {
  const { apiUrl, token, workspace, runId, attemptId } = readJson<RunnerRequest>(volumePaths(volume).request);
  return {
    apiUrl: apiUrl.replace(/\/+$/, ""),
    token,
    workspace,
    runId,
    attemptId,
    folder: volume,
    cacheDir: join(volume, "cache"),
    sameHost: false,
  };
}

export function writePrepared(volume: string, prepared: PreparedFile): void {
  replaceFile(volumePaths(volume).prepared, JSON.stringify(prepared));
}

export function readPrepared(volume: string): PreparedFile {
  return readJson<PreparedFile>(volumePaths(volume).prepared);
}

function readJson<T>(path: string): T {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (cause) {
    throw new AppError("Internal", `\`${path}\` can't be read`, {}, { cause });
  }
}

/** A file's text; undefined when it is not there (yet). */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Which machine of how many this is, from AWS Batch's variables; undefined for the only one. */
export function readNodes(env: NodeJS.ProcessEnv): Nodes | undefined {
  const count = Number(env.AWS_BATCH_JOB_NUM_NODES ?? 1);
  if (!(count > 1)) return undefined;
  const index = Number(env.AWS_BATCH_JOB_NODE_INDEX ?? 0);
  const main = env.AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS;
  return { index, count, ...(index > 0 && main !== undefined ? { main } : {}) };
}
