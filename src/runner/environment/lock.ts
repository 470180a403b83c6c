import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { pause } from "../../client/retry.ts";

export interface Lock {
  release(): void;
}

/**
 * Holds a file lock across processes. It is SQLite's: the system frees it when its holder dies, however that happens, so there is
 * no stale lock to judge. `whileWaiting` runs now and then; when it answers true the lock is not needed any more, and undefined is returned.
 */
export async function acquire(
  path: string,
  options: { readonly signal?: AbortSignal | undefined; readonly whileWaiting?: () => boolean } = {},
): Promise<Lock | undefined> {
  mkdirSync(dirname(path), { recursive: true });
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  for (let wait = 10; ; wait = Math.min(200, wait * 2)) {
    try {
      options.signal?.throwIfAborted();
      database.exec("BEGIN EXCLUSIVE");
      return { release: () => database.close() };
    } catch (error) {
      const busy = error instanceof Error && /locked|busy/i.test(error.message);
      if (!busy || options.signal?.aborted || options.whileWaiting?.() === true) {
        database.close();
        if (busy && !options.signal?.aborted) return undefined;
        throw error;
      }
    }
    await pause(wait, options.signal).catch((error: unknown) => {
      database.close();
      throw error;
    });
  }
}
