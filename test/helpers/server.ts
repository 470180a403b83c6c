import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, makeClient } from "../../src/client/client.ts";
import type { CommandJobSpec, CreateJob, Job } from "../../src/contract/jobs.ts";
import { jobs as jobRoutes } from "../../src/contract/routes/jobs.ts";
import { makeTempDir } from "./ports.ts";

const MAIN = fileURLToPath(new URL("../../src/local/main.ts", import.meta.url));
const WORKSPACE = "default";

/** A laptop home in a process of its own, on a free port and a temporary folder. */
export interface TestServer {
  readonly dir: string;
  readonly url: () => string;
  readonly token: () => string;
  readonly pid: () => number;
  /** Asks the server that is up now; a killed one until it is started again. */
  readonly client: Client;
  start(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Stops it, ends what its jobs left, removes the folder. */
  dispose(): Promise<void>;
}

/** What is asked of a server, wherever it runs. */
type Asked = Pick<TestServer, "client">;

export async function startServer(options: { readonly env?: NodeJS.ProcessEnv } = {}): Promise<TestServer> {
  const temporary = makeTempDir();
  const dir = join(temporary.path, ".trainyard");
  let child: ChildProcess | undefined;
  let facts = { url: "", token: "" };

  async function start(): Promise<void> {
    child = spawn(process.execPath, [MAIN, "--port", "0", "--data-dir", dir], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    await readyLine(child);
    facts = JSON.parse(readFileSync(join(dir, "server.json"), "utf8")) as typeof facts;
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const exited = once(ending, "exit");
    ending.kill(signal);
    await exited;
    return ending.exitCode;
  }

  const server: TestServer = {
    dir,
    url: () => facts.url,
    token: () => facts.token,
    pid: () => child?.pid ?? 0,
    client: makeClient({ url: () => facts.url, token: () => facts.token, retry: { attempts: 1 } }),
    start,
    stop: () => end("SIGTERM"),
    async kill() {
      await end("SIGKILL");
    },
    async dispose() {
      await end("SIGKILL");
      // Runners notice that their folder is gone and end what they started.
      temporary.remove();
    },
  };
  await start();
  return server;
}

function readyLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (/^trainyard is ready at http\S+ \(data in .+\)$/m.test(said)) resolve();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
}

type Spec = CreateJob["spec"];

/** A command in a bare Python environment. */
export function commandJob(command: string, more: Partial<CommandJobSpec> = {}): CommandJobSpec {
  return { type: "command", command, environment: "python-3", ...more };
}

export async function submit(server: Asked, spec: Spec, name?: string): Promise<Job> {
  if (name === undefined) {
    return server.client.call(jobRoutes.create, { params: { workspace: WORKSPACE }, body: { spec } });
  }
  return server.client.call(jobRoutes.put, { params: { workspace: WORKSPACE, name }, body: { spec } });
}

export function getJob(server: Asked, name: string): Promise<Job> {
  return server.client.call(jobRoutes.get, { params: { workspace: WORKSPACE, name } });
}

/** Waits until the job has a status that `is` accepts. */
export async function waitFor(server: Asked, name: string, is: (job: Job) => boolean, limitMs = 120_000): Promise<Job> {
  const end = performance.now() + limitMs;
  let job = await getJob(server, name);
  while (!is(job)) {
    if (performance.now() > end) throw new Error(`job ${name} is still ${job.status}: ${JSON.stringify(job.history)}`);
    job = await server.client.call(jobRoutes.get, {
      params: { workspace: WORKSPACE, name },
      query: { wait_ms: 1000, unless_status: job.status },
    });
  }
  return job;
}

export const isOver = (job: Job): boolean => ["Completed", "Failed", "Canceled"].includes(job.status);

export async function readWholeLog(server: Asked, name: string, log?: string): Promise<string> {
  let text = "";
  let offset = 0;
  for (;;) {
    const page = await server.client.call(jobRoutes.log, {
      params: { workspace: WORKSPACE, name },
      query: { offset, limit_bytes: 4_194_304, ...(log === undefined ? {} : { name: log }) },
    });
    text += page.text;
    if (page.next_offset === offset || page.complete) return text;
    offset = page.next_offset;
  }
}

/** Runs a command to its end. */
export async function runJob(server: Asked, command: string, more: Partial<CommandJobSpec> = {}): Promise<Job> {
  const { name } = await submit(server, commandJob(command, more));
  return waitFor(server, name, isOver);
}
