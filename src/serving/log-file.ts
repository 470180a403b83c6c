import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { REPLICA_FILES } from "../contract/replica.ts";

const LIMIT_BYTES = 5 * 1024 * 1024;
const TAIL_LINES = 200;
const LINE_CHARS = 4000;

export interface LogFile {
  /** A line of the wrapper's own. */
  say(text: string): void;
  /** Output of the model server, as it comes. */
  output(chunk: Buffer): void;
  /** The last lines, newest last. */
  tail(): readonly string[];
}

/** `log.txt`, moved to `log.1.txt` at 5 MB, so that a chatty model can't fill the disk. Writes are synchronous: what a dying process said is kept. */
export function openLogFile(): LogFile {
  let fd = openSync(REPLICA_FILES.log, "a", 0o600);
  let size = fstatSync(fd).size;
  return makeLog((bytes) => {
    if (size + bytes.byteLength > LIMIT_BYTES && size > 0) {
      closeSync(fd);
      renameSync(REPLICA_FILES.log, REPLICA_FILES.olderLog);
      fd = openSync(REPLICA_FILES.log, "a", 0o600);
      size = 0;
    }
    try {
      for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at);
      size += bytes.byteLength;
    } catch {
      // A full disk costs the log, not the service.
    }
  });
}

/** A log whose bytes go wherever they are kept. */
export function makeLog(write: (bytes: Uint8Array) => void): LogFile {
  const decoder = new StringDecoder("utf8");
  const lines: string[] = [];
  let partial = "";

  function remember(text: string): void {
    const parts = (partial + text).split("\n");
    partial = (parts.pop() ?? "").slice(-LINE_CHARS);
    lines.push(...parts.slice(-TAIL_LINES).map((line) => line.slice(0, LINE_CHARS)));
    if (lines.length > TAIL_LINES) lines.splice(0, lines.length - TAIL_LINES);
  }

  return {
    say(text) {
      const line = `${new Date().toISOString()} serving: ${text}\n`;
      const whole = partial === "" ? line : `\n${line}`;
      write(Buffer.from(whole));
      remember(whole);
    },
    output(chunk) {
      write(chunk);
      remember(decoder.write(chunk));
    },
    tail: () => (partial === "" ? [...lines] : [...lines, partial]),
  };
}
