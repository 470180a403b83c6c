import { isAppError } from "../contract/errors.ts";
import type { JobStatus } from "../contract/jobs.ts";
import type { Client } from "./client.ts";
import { patiently } from "./patiently.ts";
import { pause } from "./retry.ts";
import { jobs } from "./routes.ts";

export interface FollowLogOptions {
  /** Default: what the command wrote. */
  readonly name?: string;
  readonly offset?: number;
  readonly signal?: AbortSignal;
  readonly onText: (text: string) => void | Promise<void>;
  readonly onStatus?: (status: JobStatus) => void;
  /** How long the home may be away before that is an error; default 60,000. */
  readonly patienceMs?: number;
}

/**
 * Hands over a job's log as it grows, until the run is final and all of it was read. Survives a restart of the home.
 * Throws the signal's reason when aborted.
 */
export async function followLog(
  client: Client,
  workspace: string,
  job: string,
  options: FollowLogOptions,
): Promise<{ readonly status: JobStatus | undefined; readonly offset: number }> {
  let offset = options.offset ?? 0;
  let status: JobStatus | undefined;
  let awaySince: number | undefined;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      const page = await patiently(
        () =>
          client.call(jobs.log, {
            params: { workspace, name: job },
            query: { ...(options.name === undefined ? {} : { name: options.name }), offset, wait_ms: 20_000 },
            signal: options.signal,
          }),
        ({ text, complete }) => text !== "" || complete,
        options.signal,
      );
      awaySince = undefined;
      if (page.status !== undefined && page.status !== status) {
        status = page.status;
        options.onStatus?.(status);
      }
      if (page.text !== "") await options.onText(page.text);
      offset = page.next_offset;
      if (page.complete) return { status, offset };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isAppError(error) || !["Unavailable", "Timeout"].includes(error.code)) throw error;
      const now = performance.now();
      awaySince ??= now;
      if (now - awaySince > (options.patienceMs ?? 60_000)) throw error;
      await pause(250, options.signal);
    }
  }
}
