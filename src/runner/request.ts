import { AppError } from "../contract/errors.ts";

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
  };
}

/**
 * The request, as soon as there is one: a runner started ahead of need waits here. Undefined when stdin ends without a line:
 * nobody needs it any more.
 */
export function readRequest(): Promise<RunnerRequest | undefined> {
  const given = process.env.TRAINYARD_RUNNER_REQUEST;
  if (given !== undefined) {
    delete process.env.TRAINYARD_RUNNER_REQUEST;
    return Promise.resolve(parseRequest(given));
  }
  return new Promise((resolve, reject) => {
    let text = "";
    const done = (line: string | undefined) => {
      process.stdin.removeAllListeners();
      process.stdin.on("error", () => {});
      process.stdin.destroy();
      try {
        resolve(line === undefined || line.trim() === "" ? undefined : parseRequest(line));
      } catch (error) {
        reject(error);
      }
    };
    process.stdin.setEncoding("utf8");
    process.stdin.on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end >= 0) done(text.slice(0, end));
    });
    process.stdin.on("end", () => done(text === "" ? undefined : text));
    process.stdin.on("error", () => done(undefined));
  });
}
