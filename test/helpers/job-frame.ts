import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { openHome } from "../../src/adapters/local/home.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import { makeApp } from "../../src/api/app.ts";
import { toResponse } from "../../src/api/reply.ts";
import { type Client, makeClient } from "../../src/client/client.ts";
import type { RunnerReport } from "../../src/contract/runner.ts";
import { signRunToken, signUserToken } from "../../src/core/auth/tokens.ts";
import type { BatchEndpointDeps } from "../../src/core/batch-endpoints/ports.ts";
import type { Files } from "../../src/core/files/ports.ts";
import { makeEnvironments } from "../../src/core/jobs/environments.ts";
import type { Builder, BuildRequest } from "../../src/core/ports/builder.ts";
import type { Credentials } from "../../src/core/ports/credentials.ts";
import type { Digest } from "../../src/core/ports/digest.ts";
import type { Launcher, LaunchRequest, LaunchState } from "../../src/core/ports/launcher.ts";
import type { ScheduledJobs } from "../../src/core/schedules/put-schedule.ts";
import { ensureWorkspace } from "../../src/core/workspaces/put-workspace.ts";
import { makeAuthenticate } from "../../src/home/authenticate.ts";
import { composeJobs } from "../../src/home/compose-jobs.ts";
import { type MakeMover, makeJobLoop } from "../../src/home/job-loop.ts";
import { makeOutputRegistry } from "../../src/home/output-registry.ts";
import type { Part } from "../../src/home/part.ts";
import { openStores, type Stores } from "../../src/home/stores.ts";
import { composeFiles } from "../../src/local/compose-files.ts";
import type { Ground } from "../../src/local/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { watchTable } from "../../src/store/table-watch.ts";
import { makeTempDir } from "./ports.ts";

/** A machine that notes what it is asked and says what the test wants it to. */
export interface FakeMachine extends Launcher {
  readonly launched: LaunchRequest[];
  /** Of those launched as one: the id, and their attempts. */
  readonly arrays: { readonly run: string; readonly id: string; readonly attempts: readonly string[] }[];
  readonly cancelled: string[];
  readonly cleaned: string[];
  /** By attempt; default: running. */
  readonly states: Map<string, LaunchState>;
  /** Thrown by the next launches. */
  failure: Error | undefined;
}

/** A builder that notes what it is asked and answers what the test wants. */
export interface FakeBuilder extends Builder {
  readonly asked: BuildRequest[];
  answer: Builder["build"];
}

function makeFakeBuilder(): FakeBuilder {
  const asked: BuildRequest[] = [];
  return {
    asked,
    answer: async () => ({ state: "ready", hash: "h", ref: "images/it@sha256:1", cached: true }),
    build(request, onLog) {
      asked.push(request);
      return this.answer(request, onLog);
    },
  };
}

function makeFakeMachine(
  needsImage: boolean,
  types: readonly string[] = ["local", "attached"],
  takesArrays: boolean | undefined = false,
): FakeMachine {
  const launched: LaunchRequest[] = [];
  const arrays: FakeMachine["arrays"] = [];
  const cancelled: string[] = [];
  const cleaned: string[] = [];
  const states = new Map<string, LaunchState>();
  return {
    types,
    ...(needsImage ? { needsImage } : {}),
    launched,
    arrays,
    cancelled,
    cleaned,
    states,
    failure: undefined,
    ...(takesArrays
      ? {
          async launchMany({ run, id }, requests) {
            arrays.push({ run, id, attempts: requests.map(({ attemptId }) => attemptId) });
            return Promise.all(requests.map(async (request) => (await this.launch(request)).handle));
          },
        }
      : {}),
    async launch(request) {
      if (this.failure !== undefined) throw this.failure;
      launched.push(request);
      return { handle: request.attemptId };
    },
    inspect: async (handle) => states.get(handle) ?? { state: "running" },
    async cancel(handle) {
      cancelled.push(handle);
    },
    async cleanup(handle) {
      cleaned.push(handle);
    },
  };
}

/** What rooms beside the jobs' are made of. */
export interface FrameParts {
  readonly ground: Ground;
  readonly stores: Stores;
  readonly files: Files;
  readonly digest: Digest;
  readonly scheduledJobs: ScheduledJobs;
  readonly submit: BatchEndpointDeps["submit"];
}

export interface JobFrame {
  readonly machine: FakeMachine;
  readonly builder: FakeBuilder;
  /** As the owner. */
  readonly client: Client;
  /** The whole of it over HTTP, for programs: address, and a token of the owner. */
  serve(): Promise<{ readonly url: string; readonly token: string }>;
  /** As the runner of a run. */
  runner(run: string): Promise<Client>;
  /** As whoever holds a token. */
  as(token: string): Client;
  /** Lets the reconciler look now. */
  readonly look: () => void;
  readonly ground: Ground;
  now: { ms: number };
}

/** The jobs room over the laptop's adapters, with a fake machine and a clock that the test moves. */
export async function openJobFrame(
  options: {
    readonly needsImage?: boolean;
    readonly makeMover?: (ground: Ground) => MakeMover;
    /** The machine launches several attempts as one. */
    readonly takesArrays?: boolean;
    /** Of computes; default: a laptop's. */
    readonly types?: readonly string[];
    /** What a home of AWS has. */
    readonly credentials?: Credentials;
    /** More rooms beside the jobs'. */
    readonly more?: (made: FrameParts) => Part;
  } = {},
): Promise<JobFrame> {
  const temporary = makeTempDir();
  const now = { ms: Date.parse("2026-01-01T00:00:00.000Z") };
  const home = await openHome({ dir: temporary.path, clock: { now: () => now.ms++ } });
  const faults: unknown[] = [];
  const ground: Ground = {
    ...home,
    table: watchTable(home.table),
    activity: makeActivityWrite(home),
    address: () => "http://127.0.0.1:7878",
    log: { info: () => undefined, fault: (_message, error) => faults.push(error) },
    settings: {
      port: 0,
      dataDir: temporary.path,
      programs: { runner: "", serving: "" },
      runnerBundle: undefined,
      urlMap: undefined,
    },
  };
  const stores = openStores(ground);
  const digest = makeDigest();
  const { files, close } = composeFiles(ground, stores);
  const machine = makeFakeMachine(options.needsImage === true, options.types, options.takesArrays);
  const builder = makeFakeBuilder();
  let look = (): void => undefined;
  const part = composeJobs(ground, stores, {
    files,
    environments: makeEnvironments({ ...stores, files, hasContainerEngine: false }),
    outputs: makeOutputRegistry({ ...ground, ...stores, files, digest }),
    builder,
    makeMover: options.makeMover?.(ground) ?? makeJobLoop,
    isAlone: options.makeMover === undefined,
    launchers: {
      all: [machine],
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      onEnded: (listener) => {
        look = listener;
      },
      close: () => undefined,
    },
  });
  const more = options.more?.({
    ground,
    stores,
    files,
    digest,
    scheduledJobs: part.scheduledJobs,
    submit: part.submit,
  });
  await ensureWorkspace({ ...ground, ...stores, digest }, "default");
  await part.start?.();
  const app = makeApp({
    routes: [...(part.routes ?? []), ...(more?.routes ?? [])],
    authenticate: makeAuthenticate(ground, stores),
    hasWorkspace: async (name) => (await stores.workspaces.get(name)) !== undefined,
    requestId: () => "request",
    onFault: (error) => faults.push(error),
  });
  onTestFinished(async () => {
    await more?.close?.();
    await part.close?.();
    close();
    await home.close();
    temporary.remove();
    if (faults.length > 0) throw new AggregateError(faults, "the server faulted");
  });
  const clientOf = (token: string): Client =>
    makeClient({
      url: "http://127.0.0.1:7878",
      token,
      fetch: async (input, init) => toResponse(await app(new Request(input, init))),
      retry: { attempts: 1 },
    });
  const owner = await signUserToken(home.signer, { name: "owner", roles: { "*": "owner" }, id: "test" });
  return {
    machine,
    builder,
    client: clientOf(owner),
    serve: async () => ({ url: await serve(async (request) => toResponse(await app(request))), token: owner }),
    runner: async (run) => clientOf(await signRunToken(home.signer, "default", run)),
    as: clientOf,
    look: () => look(),
    ground,
    now,
  };
}

/** Answers on a free port until the test has finished. */
async function serve(answer: (request: Request) => Promise<Response>): Promise<string> {
  const server = createServer(async (incoming, outgoing) => {
    const url = `http://${incoming.headers.host}${incoming.url}`;
    const headers = new Headers(incoming.headers as Record<string, string>);
    const body = incoming.method === "GET" ? null : await buffer(incoming);
    const answered = await answer(new Request(url, { method: incoming.method ?? "GET", headers, body }));
    outgoing.writeHead(answered.status, Object.fromEntries(answered.headers));
    outgoing.end(Buffer.from(await answered.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function reportOf(run: string, status: RunnerReport["status"], more: Partial<RunnerReport> = {}): RunnerReport {
  return { attempt: `${run}.1`, status, at: "2026-01-01T00:00:10.000Z", ...more };
}
