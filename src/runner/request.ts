import { createInterface } from "node:readline";
import { AppError } from "../contract/errors.ts";
import type { Assignment } from "../contract/runner.ts";

/** What a launcher hands to a runner: one line of JSON on stdin, or the variable `TRAINYARD_RUNNER_REQUEST`. */
export interface RunnerRequest {
  /** Base address of the API as this compute sees it. */
  readonly apiUrl: string;
  /** `server.json` of the home; read again when the API does not answer, because a restarted home may have moved. */
  readonly serverFile?: string;
  /** The run token. */
  readonly token: string;
  readonly workspace: string;
  readonly runId: string;
  readonly attemptId: string;
  /** Work folder of this attempt; made when absent. */
  readonly folder: string;
  /** Holds `envs/` and `tools/`, shared by all attempts on this machine. */
  readonly cacheDir: string;
  /** The home's own files can be read at the paths it names. */
  readonly sameHost: boolean;
  /** What to do, from a launcher that gives this attempt to no other runner; absent: the home is asked. */
  readonly assignment?: Assignment;
}

const TEXTS = ["apiUrl", "token", "workspace", "runId", "attemptId", "folder", "cacheDir"] as const;

export function parseRequest(line: string): RunnerRequest {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line) as Record<string, unknown>;
  } catch (cause) {
    throw new AppError("InvalidArgument", "the runner's request is not JSON", {}, { cause });
  }
  for (const name of TEXTS) {
    if (typeof value[name] !== "string" || value[name] === "") {
      throw new AppError("InvalidArgument", `the runner's request has no \`${name}\``, { field: name });
    }
  }
  const text = (name: (typeof TEXTS)[number]) => value[name] as string;
  return {
    apiUrl: text("apiUrl").replace(/\/+$/, ""),
    ...(typeof value.serverFile === "string" ? { serverFile: value.serverFile } : {}),
    token: text("token"),
    workspace: text("workspace"),
    runId: text("runId"),
    attemptId: text("attemptId"),
    folder: text("folder"),
    cacheDir: text("cacheDir"),
    sameHost: value.sameHost === true,
    ...(typeof value.assignment === "object" ? { assignment: value.assignment as Assignment } : {}),
  };
}

/**
 * Requests as they come: the one of the variable, or one a line of stdin. A runner that is kept for the next job waits here, until stdin ends:
 * nobody needs it any more.
 */
export async function* readRequests(): AsyncGenerator<RunnerRequest> {
  const given = process.env.TRAINYARD_RUNNER_REQUEST;
  if (given !== undefined) {
    delete process.env.TRAINYARD_RUNNER_REQUEST;
    yield parseRequest(given);
    return;
  }
  process.stdin.on("error", () => {});
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== "") yield parseRequest(line);
  }
}
