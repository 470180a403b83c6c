import { closeSync, existsSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { runner } from "../client/routes.ts";
import { isAppError } from "../contract/errors.ts";
import type { LogPart } from "../contract/runner.ts";
import type { Home } from "./home.ts";
import { makeMask } from "./mask.ts";

/** A log that is kept on disk first and travels to the home from there, so that neither a flood nor an absent home costs memory or output. */
export interface LogStream {
  write(chunk: Uint8Array | string): void;
  /** Last bytes written, as text. */
  tail(): string;
  /** Resolves when the home has all of it but a rest of at most `restBytes` (0 by default), which is the caller's to send: the answer, if there is one. */
  end(restBytes?: number): Promise<LogPart | undefined>;
}

export interface LogOptions {
  readonly path: string;
  readonly name: string;
  readonly home: Home;
  /** Quiet time before a batch travels, after the first; default 100 ms. */
  readonly batchMs?: number;
  /** The first bytes travel almost at once; default true. */
  readonly eager?: boolean;
  /** Output beyond this is dropped, and the log says so; default 2 GB. */
  readonly limitBytes?: number;
  /** Texts that are written as `***`. */
  readonly hidden?: readonly string[];
  /** What is in the file is at the home already, and this goes on behind it; default: a new file. */
  readonly goOn?: boolean;
}

const REQUEST_BYTES = 4 * 1024 * 1024;
const BATCH_BYTES = 256 * 1024;
const TAIL_BYTES = 8 * 1024;
const LIMIT_BYTES = 2 * 1024 * 1024 * 1024;
/** What ends sooner sends its first bytes with its last word. */
const EAGER_MS = 30;

export function openLog(options: LogOptions): LogStream {
  const { home, name } = options;
  const batchMs = options.batchMs ?? 100;
  const mask = makeMask(options.hidden ?? []);
  const limit = options.limitBytes ?? LIMIT_BYTES;
  const goOn = options.goOn === true && existsSync(options.path);
  const file = openSync(options.path, goOn ? "r+" : "w+", 0o600);
  const buffer = { bytes: undefined as Buffer | undefined };
  let tail: Buffer = Buffer.alloc(0);
  let size = fstatSync(file).size;
  let sent = size;
  let full: string | undefined;
  let ending: { rest: number; resolve: (rest?: LogPart) => void; reject: (error: unknown) => void } | undefined;
  let sending = false;
  let timer: NodeJS.Timeout | undefined;
  let lastSend = performance.now();
  let isFirst = options.eager !== false;
  let failure: unknown;

  function write(chunk: Uint8Array | string): void {
    keep(
      mask.take(
        typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength),
      ),
    );
  }

  function keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    tail = Buffer.concat([tail, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    if (full !== undefined) return;
    const room = limit - size;
    store(bytes.length <= room ? bytes : bytes.subarray(0, room));
    if (bytes.length > room) {
      store(Buffer.from(`\n[trainyard: output beyond ${Math.round(limit / 1024 / 1024)} MB is not kept]\n`));
      full = "limit";
    }
    schedule();
  }

  function store(bytes: Buffer): void {
    if (full !== undefined) return;
    try {
      for (let at = 0; at < bytes.length; ) {
        const written = writeSync(file, bytes, at, bytes.length - at, size);
        at += written;
        size += written;
      }
    } catch (error) {
      // The command goes on: losing output is better than losing the work.
      full = error instanceof Error ? error.message : String(error);
    }
  }

  function schedule(): void {
    if (sending || failure !== undefined) return;
    const backlog = size - sent;
    if (backlog <= (ending?.rest ?? 0)) {
      finish();
      return;
    }
    const now = ending !== undefined || backlog >= BATCH_BYTES;
    if (now) {
      clearTimeout(timer);
      timer = undefined;
      sending = true;
      void send();
    } else {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          sending = true;
          void send();
        },
        isFirst ? EAGER_MS : Math.max(0, batchMs - (performance.now() - lastSend)),
      );
    }
  }

  async function send(): Promise<void> {
    try {
      lastSend = performance.now();
      isFirst = false;
      const length = Math.min(REQUEST_BYTES, size - sent);
      if (buffer.bytes === undefined || buffer.bytes.length < length)
        buffer.bytes = Buffer.allocUnsafe(Math.min(REQUEST_BYTES, Math.max(length, 64 * 1024)));
      const read = readSync(file, buffer.bytes, 0, length, sent);
      const body = buffer.bytes.subarray(0, read);
      const answer = await home.until(() =>
        home.client.call(runner.log, {
          params: { workspace: home.workspace, run: home.run },
          query: { name, offset: sent },
          body,
        }),
      );
      sent = answer.next_offset;
    } catch (error) {
      const end =
        isAppError(error) && error.code === "Conflict"
          ? Number(error.details.next_offset ?? error.details.end)
          : Number.NaN;
      if (Number.isInteger(end) && end >= 0 && end <= size && end !== sent) sent = end;
      else failure = error;
    }
    sending = false;
    if (failure === undefined) schedule();
    else finish();
  }

  function finish(): void {
    if (ending === undefined) return;
    const { resolve, reject } = ending;
    ending = undefined;
    clearTimeout(timer);
    const rest = Buffer.alloc(failure === undefined ? size - sent : 0);
    readSync(file, rest, 0, rest.length, sent);
    closeSync(file);
    if (failure !== undefined) reject(failure);
    else resolve(rest.length === 0 ? undefined : { name, offset: sent, base64: rest.toString("base64") });
  }

  return {
    write,
    tail: () => tail.toString("utf8"),
    end: (rest = 0) =>
      new Promise((resolve, reject) => {
        keep(mask.rest());
        ending = { rest, resolve, reject };
        if (!sending) {
          if (failure === undefined) schedule();
          else finish();
        }
      }),
  };
}
