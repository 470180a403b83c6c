import { mkdirSync, readFileSync, renameSync, rmSync, type Stats, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** `[size, mtimeMs, ctimeMs, inode, sha256]`. */
type Row = readonly [number, number, number, number, string];

/** Hashes of files that have not changed since they were read, by absolute path. */
export interface HashCache {
  get(path: string, stats: Stats): string | undefined;
  /** `readAtMs`: when reading began. */
  set(path: string, stats: Stats, sha256: string, readAtMs: number): void;
  /** Keeps what was asked for or set since it was opened. A cache that can't be written is no reason to fail. */
  save(): void;
}

const VERSION = 1;

export function openHashCache(file: string | undefined): HashCache {
  const known = file === undefined ? new Map<string, Row>() : read(file);
  const used = new Map<string, Row>();
  let hashedFiles = 0;
  let hashedBytes = 0;
  return {
    get(path, stats) {
      const row = known.get(path);
      if (row === undefined) return undefined;
      const [size, mtime, ctime, inode, sha256] = row;
      if (size !== stats.size || mtime !== stats.mtimeMs || ctime !== stats.ctimeMs || inode !== stats.ino)
        return undefined;
      used.set(path, row);
      return sha256;
    },
    set(path, stats, sha256, readAtMs) {
      hashedFiles++;
      hashedBytes += stats.size;
      if (!isSettled(stats, readAtMs)) return;
      used.set(path, [stats.size, stats.mtimeMs, stats.ctimeMs, stats.ino, sha256]);
    },
    save() {
      // Small folders are read faster than their cache is written.
      const cheap = hashedBytes < 4_000_000 && used.size < 64;
      if (file === undefined || cheap || (hashedFiles === 0 && used.size === known.size)) return;
      const temporary = `${file}.${process.pid}`;
      try {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(temporary, JSON.stringify({ version: VERSION, rows: [...used] }), { mode: 0o600 });
        renameSync(temporary, file);
      } catch {
        rmSync(temporary, { force: true });
      }
    },
  };
}

/**
 * A write within the clock's grain after the reading would leave the same time stamp, so a file changed just now is read again next time.
 * Whole seconds tell of a file system that keeps no finer ones.
 */
function isSettled(stats: Stats, readAtMs: number): boolean {
  const newest = Math.max(stats.mtimeMs, stats.ctimeMs);
  const grain = Number.isInteger(newest / 1000) ? 2000 : 50;
  return newest < readAtMs - grain;
}

function read(file: string): Map<string, Row> {
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as { version?: unknown; rows?: [string, Row][] };
    return new Map(value.version === VERSION ? value.rows : []);
  } catch {
    return new Map();
  }
}
