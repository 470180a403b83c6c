import type { ReplicaRequest } from "../contract/replica.ts";
import { makeCounters } from "./counters.ts";
import type { StatusFile } from "./folder.ts";
import { makeGate } from "./gate.ts";
import { planLaunch } from "./launch.ts";
import type { LogFile } from "./log-file.ts";
import type { Materialized } from "./materialize.ts";
import { type ModelServer, makeModelServer } from "./model-server.ts";
import { openProxy, type ReplicaProxy } from "./proxy.ts";

export interface Replica {
  readonly proxy: ReplicaProxy;
  readonly model: ModelServer;
  /** Resolves when the model server was stopped or is hopeless; `status` says which. */
  readonly over: Promise<void>;
}

/** The proxy, and behind it the model server, which is kept up. */
export async function openReplica(of: {
  readonly request: ReplicaRequest;
  readonly made: Materialized;
  readonly status: StatusFile;
  readonly log: LogFile;
  /** The process is frozen between requests: connections that are kept would grow old unseen. */
  readonly freezes?: boolean;
}): Promise<Replica> {
  const { request, made, status, log } = of;
  const { request_settings: settings } = made.assignment;
  const places = settings.max_concurrent_requests_per_instance;
  const gate = makeGate({ places, maxWaitMs: settings.max_queue_wait_ms });
  const model = makeModelServer({
    plan: (files) => planLaunch(request, made, files),
    probes: made.assignment,
    places,
    keepAlive: of.freezes !== true,
    status,
    log,
    busy: () => gate.active > 0,
  });
  const proxy = await openProxy({ secret: request.secret, settings, model, gate, counters: makeCounters() });
  const over = model.run().catch((error: unknown) => {
    status.set({ phase: "failed", reason: error instanceof Error ? error.message : String(error) });
  });
  return { proxy, model, over };
}
