import { execFile } from "node:child_process";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * One pipe for a process's stdout and stderr, so that what it writes stays in order. A named pipe, because Node's own are socket pairs:
 * those cannot be opened again through /dev/stdout, which shell scripts do.
 */
export interface OutputPipe {
  /** Give it to the process as stdout and stderr, then `close` it here. */
  readonly writer: number;
  close(): void;
  /** Calls `onData` as bytes come; resolves when the last writer is gone. */
  read(onData: (chunk: Buffer) => void): Promise<void>;
  /** Stops reading although writers are left. */
  abandon(): void;
}

/** Made ahead of need. Starting the program that makes them is what costs here, so it makes several. */
const stock: OutputPipe[] = [];
const STOCK = 8;
let stocking: Promise<void> | undefined;

/** Sees to it that there is a pipe at hand. */
export function stockPipes(): Promise<void> {
  if (stock.length > 0) return Promise.resolve();
  stocking ??= makePipes(tmpdir(), STOCK)
    .then((made) => void stock.push(...made))
    .finally(() => {
      stocking = undefined;
    });
  return stocking;
}

/** `folder` holds the names of those that are yet to be made for a moment. */
export async function openPipes(folder: string, count: number): Promise<OutputPipe[]> {
  await stocking?.catch(() => {});
  const ready = stock.splice(0, count);
  return [...ready, ...(await makePipes(folder, count - ready.length))];
}

async function makePipes(folder: string, count: number): Promise<OutputPipe[]> {
  if (count <= 0) return [];
  const unique = `trainyard-${process.pid}-${performance.now().toString(36).replace(".", "")}`;
  const paths = Array.from({ length: count }, (_, i) => join(folder, `${unique}.${i}`));
  await new Promise<void>((resolve, reject) => {
    execFile("mkfifo", ["-m", "600", ...paths], (error) => (error === null ? resolve() : reject(error)));
  });
  const pipes = paths.map(openPipe);
  // The names have done their work; nobody else shall write into them.
  for (const path of paths) unlinkSync(path);
  return pipes;
}

/** Opens both ends of a named pipe that is there. */
export function openPipe(path: string): OutputPipe {
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  const socket = new Socket({ fd: reader, readable: true, writable: false });
  let open = true;
  return {
    writer,
    close() {
      if (open) closeSync(writer);
      open = false;
    },
    read: (onData) =>
      new Promise((resolve) => {
        socket.on("data", onData);
        socket.on("error", () => resolve());
        socket.on("close", () => resolve());
        socket.on("end", () => resolve());
      }),
    abandon: () => socket.destroy(),
  };
}
