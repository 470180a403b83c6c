import { AppError } from "../../../contract/errors.ts";
import type { Clock } from "../../../core/ports/clock.ts";
import { type Digest, sha256Hex } from "../../../core/ports/digest.ts";
import type { Host, HostRequest, HostState } from "../../../core/ports/host.ts";
import { HOME_TAG } from "../batch/settings.ts";
import type { Functions, Probed } from "./functions.ts";
import type { ImageTags } from "./images.ts";
import type { FunctionLogs } from "./logs.ts";
import type { Hosted, HostedRecords } from "./records.ts";
import { functionName, imageTagOf, logGroupOf, type ServingSettings } from "./settings.ts";

export interface LambdaHostOptions {
  readonly settings: ServingSettings;
  readonly functions: Functions;
  readonly logs: FunctionLogs;
  readonly images: ImageTags;
  readonly records: HostedRecords;
  readonly digest: Digest;
  readonly clock: Clock;
}

/** What a look may wait for a replica to come up; whoever looks lives no longer than a minute. */
const PROBE_MS = 20_000;
/** What takes longer to come up never does. */
const PATIENCE_MS = 20 * 60_000;
const MAX_DEATHS = 3;
const SIZE = { memoryMb: 2048, timeoutSec: 300 };
const LOG_CHARS = 60_000;

/**
 * Replica sets as functions of AWS Lambda, one each, named by the set's id: Lambda runs as many instances as there are requests at once, and none while
 * there are none. A new function is asked how it is until it can serve, then no more: what fails later, its callers are told.
 */
export function makeLambdaHost(options: LambdaHostOptions): Host {
  const { settings, functions, logs, images, records, digest, clock } = options;

  async function start(request: HostRequest): Promise<{ readonly handle: string }> {
    const { id, workspace, endpoint, deployment, revision, apiUrl, token } = request;
    const name = functionName(settings.home, sha256Hex(digest, id));
    await records.begin({ handle: name, state: "starting", startedMs: clock.now(), deaths: 0 });
    await logs.make(logGroupOf(name), settings.logDays);
    try {
      await images.add(request.environmentRef, imageTagOf(name));
      await functions.make({
        name,
        description: `Trainyard: ${workspace}/${endpoint}/${deployment}, revision ${revision}`,
        image: request.environmentRef,
        roleArn: settings.roleArn,
        size: request.size ?? SIZE,
        replica: { id, workspace, endpoint, deployment, revision, apiUrl, token },
        tags: { [HOME_TAG]: settings.home, "trainyard:endpoint": `${workspace}/${endpoint}/${deployment}` },
      });
    } catch (error) {
      // Refused for good: nobody will ask for it again.
      if (error instanceof AppError && error.code === "DeploymentFailed") await remove(name);
      throw error;
    }
    return { handle: name };
  }

  /** One look at a function that has not served yet. */
  async function look(before: Hosted): Promise<Hosted> {
    const { handle } = before;
    const fail = (reason: string): Hosted => ({ ...before, state: "failed", reason });
    const found = await functions.look(handle);
    if (found.state === "gone") return fail("its function is gone");
    if (found.state === "failed") return fail(`AWS Lambda can't run its image: ${found.reason}`);
    if (clock.now() - before.startedMs > PATIENCE_MS)
      return fail(`it did not come up within ${PATIENCE_MS / 60_000} minutes`);
    if (found.state === "coming") return { ...before, reason: "AWS Lambda is making its image ready" };
    return judge(before, await functions.probe(handle, PROBE_MS));
  }

  function judge(before: Hosted, probed: Probed): Hosted {
    if (probed.kind === "busy") return { ...before, reason: "AWS Lambda has no free function for it" };
    if (probed.kind === "died") {
      const deaths = before.deaths + 1;
      return { ...before, deaths, reason: probed.reason, state: deaths >= MAX_DEATHS ? "failed" : "starting" };
    }
    const { phase, reason, log } = probed.answer;
    const { reason: _, ...rest } = before;
    const seen = { ...rest, ...(reason === undefined ? {} : { reason }), log: log.slice(-LOG_CHARS) };
    if (phase === "ready") return { ...seen, state: "healthy" };
    return phase === "failed" ? { ...seen, state: "failed" } : { ...seen, state: "starting" };
  }

  async function remove(handle: string): Promise<void> {
    await functions.delete(handle);
    await Promise.all([images.remove(imageTagOf(handle)), logs.delete(logGroupOf(handle))]);
    await records.delete(handle);
  }

  return {
    start,
    async inspect(handle) {
      const record = await records.get(handle);
      if (record?.state !== "starting") return stateOf(record);
      const after = await look(record);
      if (JSON.stringify(after) !== JSON.stringify(record)) await records.put(after);
      return stateOf(after);
    },
    // Nothing tells; a look itself waits for what is coming.
    changed: (_handle, timeoutMs) => new Promise((resolve) => setTimeout(resolve, timeoutMs)),
    async stop(handle, drainSec) {
      const record = await records.get(handle);
      if (record === undefined) return "stopped";
      const drainedMs = record.drainedMs ?? clock.now() + drainSec * 1000;
      if (drainedMs > clock.now()) {
        if (record.drainedMs === undefined) await records.put({ ...record, state: "stopping", drainedMs });
        return "draining";
      }
      await remove(handle);
      return "stopped";
    },
    async logs(handle, tailLines) {
      const record = await records.get(handle);
      if (record === undefined) return "";
      const told = await logs.tail(logGroupOf(handle), tailLines);
      // The service shows a line some seconds after it was said; what failed has told us.
      return told === "" || record.state === "failed"
        ? (record.log ?? told).split("\n").slice(-tailLines).join("\n")
        : told;
    },
  };
}

/** What is on record: for who may only read. */
export function stateOf(record: Hosted | undefined): HostState {
  if (record === undefined) return { state: "gone", addresses: [], reason: "the host knows nothing of it" };
  const { handle, state, reason } = record;
  const why = reason === undefined ? {} : { reason };
  if (state === "healthy") return { state, addresses: [handle] };
  return { state: state === "stopping" ? "unhealthy" : state, addresses: [], ...why };
}

/** The host as those see it who make nothing: how replicas are, by what is on record, and their logs. */
export function makeHostReader(options: Pick<LambdaHostOptions, "records" | "logs">): Host {
  const refuse = (): never => {
    throw new AppError("NotSupported", "this function starts and stops no replicas");
  };
  return {
    start: async () => refuse(),
    stop: async () => refuse(),
    inspect: async (handle) => stateOf(await options.records.get(handle)),
    changed: async () => undefined,
    logs: async (handle, tailLines) => options.logs.tail(logGroupOf(handle), tailLines),
  };
}
