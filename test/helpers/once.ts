import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const LOCK_STALE_MS = 15 * 60_000;

/** Fills a folder once, whichever of the processes that want it at once does so. Its parent must exist. */
export async function onceIn(place: string, make: () => Promise<void>): Promise<void> {
  const done = join(place, "ready");
  while (!existsSync(done)) {
    const release = await lock(`${place}.lock`, done);
    try {
      if (release !== undefined && !existsSync(done)) await make();
      if (release !== undefined) writeFileSync(done, "");
    } finally {
      release?.();
    }
  }
}

/** The lock, or undefined once somebody else has finished. */
async function lock(path: string, done: string): Promise<(() => void) | undefined> {
  for (;;) {
    try {
      mkdirSync(path);
      return () => rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    if (existsSync(done)) return undefined;
    const held = statSync(path, { throwIfNoEntry: false });
    if (held !== undefined && Date.now() - held.mtimeMs > LOCK_STALE_MS) {
      // Whoever held it is gone; of several who notice, one gets to move it.
      try {
        renameSync(path, `${path}.${process.pid}`);
        rmSync(`${path}.${process.pid}`, { recursive: true, force: true });
      } catch {
        // Another was first.
      }
    }
    await delay(200);
  }
}
