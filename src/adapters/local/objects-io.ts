import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
  rmSync,
  write,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { AppError } from "../../contract/errors.ts";
import { isAlive } from "./alive.ts";
import { writeWhole } from "./files.ts";

const fsyncAsync = promisify(fsync);
const readAsync = promisify(read);
const writeAsync = promisify(write);

/** Bodies up to this size are written and read in place; larger ones leave the event loop free between pieces. */
const SMALL_BYTES = 64 * 1024;
const PIECE_BYTES = 256 * 1024;
/** Objects are replaced, never changed, and share their bytes with copies: nobody should write into one. */
const OBJECT_MODE = 0o444;

/** Tells our temporary files from those of a dead process that had the same id. */
const PROCESS_MARK = `${process.pid}-${randomBytes(4).toString("hex")}`;
let tempCount = 0;
let lastMtimeUs = 0;

export function tempPath(folder: string): string {
  tempCount += 1;
  return join(folder, `${PROCESS_MARK}-${tempCount}`);
}

/** Makes the folder of temporary files, and clears it of what dead processes left. */
export function openTempFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) {
    const pid = Number.parseInt(name, 10);
    if (!name.startsWith(`${PROCESS_MARK}-`) && (pid === process.pid || !isAlive(pid))) {
      rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** Writes the body to a new file and flushes it to the disk. The caller removes the file if this throws. */
export async function writeTemp(
  path: string,
  body: Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const fd = openSync(path, "wx", OBJECT_MODE);
  try {
    if (body instanceof Uint8Array && body.byteLength <= SMALL_BYTES) {
      writeWhole(fd, body);
    } else {
      // Iterating a ReadableStream cancels it when the loop is left by an error.
      for await (const chunk of body instanceof Uint8Array ? [body] : (body as AsyncIterable<Uint8Array>)) {
        await writeChunk(fd, chunk);
      }
    }
    touch(fd);
    await fsyncAsync(fd);
  } finally {
    closeSync(fd);
  }
}

async function writeChunk(fd: number, chunk: unknown): Promise<void> {
  if (!(chunk instanceof Uint8Array)) {
    throw new AppError("InvalidArgument", `an object's body is bytes, not \`${typeof chunk}\``);
  }
  for (let at = 0; at < chunk.byteLength; ) {
    at += (await writeAsync(fd, chunk, at, chunk.byteLength - at)).bytesWritten;
  }
}

/** Gives the file a modification time no other object of this process has: the kernel's own steps are milliseconds, and inodes are reused. */
function touch(fd: number): void {
  lastMtimeUs = Math.max(Date.now() * 1000, lastMtimeUs + 1);
  futimesSync(fd, lastMtimeUs / 1e6, lastMtimeUs / 1e6);
}

/** A second name for the bytes of `from`; a real copy where the file system has no links. */
export function linkTemp(from: string, path: string): void {
  try {
    linkSync(from, path);
  } catch {
    copyFileSync(from, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}

/** The bytes of the files `paths`, one after the other. */
export async function* readFiles(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    const fd = openSync(path, "r");
    try {
      const buffer = Buffer.allocUnsafe(PIECE_BYTES);
      for (;;) {
        const { bytesRead } = await readAsync(fd, buffer, 0, buffer.byteLength, null);
        if (bytesRead === 0) {
          break;
        }
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      closeSync(fd);
    }
  }
}

/** Closes files of bodies that nobody read to the end or cancelled. */
const abandoned = new FinalizationRegistry<{ readonly close: () => void }>((file) => file.close());

/** The bytes `start` up to (not with) `end` of an open file, which the stream closes. */
export function streamRange(fd: number, start: number, end: number): ReadableStream<Uint8Array> {
  if (end - start <= SMALL_BYTES) {
    try {
      return streamBytes(readWhole(fd, start, end));
    } finally {
      closeSync(fd);
    }
  }
  let open = true;
  const file = {
    close: () => {
      if (open) {
        open = false;
        closeSync(fd);
      }
    },
  };
  let at = start;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const buffer = new Uint8Array(Math.min(PIECE_BYTES, end - at));
          const { bytesRead } = await readAsync(fd, buffer, 0, buffer.byteLength, at);
          if (bytesRead === 0) {
            throw new AppError("Internal", "an object's file is shorter than it was; something else wrote to it");
          }
          at += bytesRead;
          controller.enqueue(buffer.subarray(0, bytesRead));
          if (at === end) {
            file.close();
            controller.close();
          }
        } catch (error) {
          file.close();
          throw error;
        }
      },
      cancel: () => file.close(),
    },
    { highWaterMark: 0 },
  );
  abandoned.register(stream, file);
  return stream;
}

function readWhole(fd: number, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.byteLength; ) {
    const count = readSync(fd, bytes, at, bytes.byteLength - at, start + at);
    if (count === 0) {
      throw new AppError("Internal", "an object's file is shorter than it was; something else wrote to it");
    }
    at += count;
  }
  return bytes;
}

function streamBytes(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.byteLength > 0) {
        controller.enqueue(bytes);
      }
      controller.close();
    },
  });
}

/** Opens an object's file; undefined if there is no regular file. */
export function openObject(
  path: string,
): { readonly fd: number; readonly stat: import("node:fs").BigIntStats } | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "ELOOP")
    ) {
      return undefined;
    }
    throw error;
  }
  const stat = fstatSync(fd, { bigint: true });
  if (!stat.isFile()) {
    closeSync(fd);
    return undefined;
  }
  return { fd, stat };
}
