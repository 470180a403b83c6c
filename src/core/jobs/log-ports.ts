import type { Write } from "../ports/table.ts";

/** A log of one attempt. Names are clean relative paths such as `user_logs/std_log.txt`. */
export interface LogRef {
  readonly workspace: string;
  readonly run: string;
  readonly attempt: string;
  readonly name: string;
}

/** The end of a log. */
export interface LogRest {
  readonly name: string;
  /** In the whole log. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Logs as they grow and after. Appends are idempotent by offset and durable when they return; reads cost what they read, not what the log has.
 */
export interface LogStore {
  /** Bytes before the end are skipped; bytes beyond it are a gap: Conflict with `details.end`. Answers the new end. */
  append(log: LogRef, offset: number, bytes: Uint8Array): Promise<number>;
  /** At most `limitBytes` from `offset`, and the log's size. A log nobody wrote to is empty. */
  read(
    log: LogRef,
    offset: number,
    limitBytes: number,
  ): Promise<{ readonly bytes: Uint8Array; readonly sizeBytes: number }>;
  list(of: Omit<LogRef, "name">): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]>;
  /**
   * Appends the rests, makes each log one object (`keyOf(name)`) and closes it. Again: nothing. Logs that come whole are closed by the answer,
   * which goes into the transaction that ends their job.
   */
  finish(
    of: Omit<LogRef, "name">,
    keyOf: (name: string) => string,
    rests?: readonly LogRest[],
  ): Promise<readonly Write[]>;
}
