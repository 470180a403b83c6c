import { existsSync, readFileSync } from "node:fs";
import { type Client, makeClient } from "../client/client.ts";
import { makeSocketTransport } from "../client/http-node.ts";
import { pause } from "../client/retry.ts";
import { ERRORS, type ErrorCode, isAppError } from "../contract/errors.ts";
import type { RunnerRequest } from "./request.ts";

/** The API as a runner uses it: it may be away for hours while the command runs. */
export interface Home {
  readonly client: Client;
  readonly workspace: string;
  readonly run: string;
  readonly attempt: string;
  /** Repeats a call until it is answered; rejects for answers that another try will not change, and when the attempt is over. */
  until<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** One for all attempts of a runner: connections are kept between them. */
const transport = makeSocketTransport();
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5000;
/** An absent home comes back; one that answers and can't may never be able to, and waiting would keep the run from ending. */
const UNABLE: readonly string[] = ["StorageFull", "DatastoreUnreachable", "Internal"] satisfies ErrorCode[];
const UNABLE_MS = 30_000;

export function openHome(request: RunnerRequest, over: AbortController, unableMs = UNABLE_MS): Home {
  let url = request.apiUrl;
  const client = makeClient({
    url: () => url,
    token: request.token,
    transport,
    retry: { attempts: 1 },
    timeoutMs: 60_000,
  });

  /** A home that restarted wrote its new address there; a work folder that is gone means nobody waits for this attempt. */
  function lookAround(): void {
    if (!existsSync(request.folder)) over.abort(new Error("the work folder of this attempt is gone"));
    if (request.serverFile === undefined) return;
    try {
      const server = JSON.parse(readFileSync(request.serverFile, "utf8")) as { url?: unknown };
      if (typeof server.url === "string" && server.url !== "") url = server.url.replace(/\/+$/, "");
    } catch {
      // The home is down or writing the file; the next look will see.
    }
  }

  return {
    client,
    workspace: request.workspace,
    run: request.runId,
    attempt: request.attemptId,
    async until(call, signal) {
      const either = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
      let unableSince: number | undefined;
      for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(LONGEST_PAUSE_MS, wait * 2)) {
        either.throwIfAborted();
        try {
          return await call();
        } catch (error) {
          either.throwIfAborted();
          if (!isAppError(error) || !ERRORS[error.code].retry) throw error;
          unableSince = UNABLE.includes(error.code) ? (unableSince ?? performance.now()) : undefined;
          if (unableSince !== undefined && performance.now() - unableSince > unableMs) throw error;
          lookAround();
          await pause(wait * (0.75 + Math.random() / 2), either);
        }
      }
    },
  };
}
