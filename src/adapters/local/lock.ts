import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "../../contract/errors.ts";
import { isAlive } from "./alive.ts";
import { readIfPresent, writeFileAtomic } from "./files.ts";

const SQLITE_BUSY = 5;
/** How long to wait for a holder that has the lock and not yet said who it is. */
const INTRODUCTION_MS = 1_000;

/** The right to be the one server of a workspace folder. */
export interface Lock {
  /** Tells whoever is refused where the holder serves. */
  setAddress(address: string): void;
  release(): void;
}

interface Holder {
  readonly pid: number;
  readonly address?: string;
}

/**
 * Takes the folder for this process, or throws AppError("Conflict") naming the process that has it. The lock is the operating system's, held through
 * an open SQLite file: it ends with its process however that ends, so a dead holder needs no repair and a reused process id fools nobody.
 * NOTE: nothing else in the process may open `lock.db`; POSIX drops a process's locks on a file when any of its descriptors is closed.
 */
export async function acquireLock(options: { readonly dir: string }): Promise<Lock> {
  const { dir } = options;
  makeFolder(dir);
  const holderFile = join(dir, "lock.json");
  const database = new DatabaseSync(join(dir, "lock.db"), { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && Number(error.errcode) % 256 === SQLITE_BUSY) {
      throw conflict(dir, await readHolder(holderFile));
    }
    throw error;
  }
  const write = (holder: Holder): void => writeFileAtomic(holderFile, Buffer.from(JSON.stringify(holder)));
  try {
    write({ pid: process.pid });
  } catch (error) {
    database.close();
    throw error;
  }
  let held = true;
  return {
    setAddress(address) {
      write({ pid: process.pid, address });
    },
    release() {
      if (held) {
        held = false;
        database.close();
      }
    },
  };
}

/**
 * Makes the workspace folder and those above it, or throws AppError("InvalidArgument"). One level at a time: Node's `recursive` never returns
 * where a parent that exists answers ENOENT, as under `/proc`.
 */
function makeFolder(dir: string): void {
  try {
    makeLevels(dir);
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new AppError(
      "InvalidArgument",
      `workspace folder \`${dir}\` can't be made (${reason})`,
      { hint: "choose a folder that you can write with `--data-dir`" },
      { cause },
    );
  }
}

function makeLevels(dir: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(dir) !== dir) makeLevels(dirname(dir));
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it in between.
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

function conflict(dir: string, holder: Holder | undefined): AppError {
  const who = holder === undefined ? "another process" : `process \`${holder.pid}\``;
  const where = holder?.address === undefined ? "" : ` at \`${holder.address}\``;
  return new AppError("Conflict", `workspace folder \`${dir}\` is served by ${who}${where}`, {
    ...holder,
    hint: "use that server, stop it, or choose another folder",
  });
}

/** Who holds the lock. What a dead holder left is not an answer; the living one writes its own within moments. */
async function readHolder(path: string): Promise<Holder | undefined> {
  const end = performance.now() + INTRODUCTION_MS;
  for (;;) {
    const holder = parseHolder(readIfPresent(path));
    if (holder !== undefined && isAlive(holder.pid)) {
      return holder;
    }
    if (performance.now() > end) {
      return undefined;
    }
    await delay(20);
  }
}

function parseHolder(bytes: Buffer | undefined): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(bytes?.toString("utf8") ?? "null");
    return typeof holder === "object" && holder !== null && "pid" in holder && typeof holder.pid === "number"
      ? (holder as Holder)
      : undefined;
  } catch {
    return undefined;
  }
}
