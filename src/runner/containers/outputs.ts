import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isAppError } from "../../contract/errors.ts";
import type { Assignment } from "../../contract/runner.ts";
import { collect, filesBelow } from "../collect.ts";
import type { Home } from "../home.ts";
import { materialize } from "../materialize.ts";
import type { Ports } from "../ports.ts";

/** A folder of the volume, and where its files are kept. */
interface Kept {
  readonly folder: string;
  readonly uri: string;
}

/** Folders whose files outlive the machine: named outputs, and the artifacts in `./outputs`. */
function keptFolders(run: string, assignment: Assignment, made: Ports["outputs"], work: string): readonly Kept[] {
  const named = Object.entries(assignment.outputs).flatMap(([name, { mode, is_file, uri }]) => {
    const folder = made[name];
    return mode === "direct" || is_file || folder === undefined ? [] : [{ folder, uri }];
  });
  const artifacts = `azureml://jobs/${run}/outputs/artifacts/paths/outputs`;
  return [...named, { folder: join(work, "outputs"), uri: artifacts }];
}

/** A run that lost its machine finds in its outputs what its earlier attempts had left there: checkpoints, above all. */
export async function bringBack(
  of: {
    readonly home: Home;
    readonly assignment: Assignment;
    readonly work: string;
    readonly tell: (text: string) => void;
  },
  made: Ports["outputs"],
  signal: AbortSignal,
): Promise<void> {
  const { home, assignment, work, tell } = of;
  for (const { folder, uri } of keptFolders(home.run, assignment, made, work)) {
    try {
      const brought = await materialize({ home, uri, folder, sameHost: false, link: false, signal });
      if (brought.files > 0) tell(`brought back: ${brought.files} files of earlier attempts, from ${uri}\n`);
    } catch (error) {
      // Nothing was left there.
      if (!isAppError(error) || error.code !== "NotFound") throw error;
    }
  }
}

export interface OutputSync {
  /** Ends it; what is under way is waited for. */
  stop(): Promise<void>;
}

const EVERY_MS = 60_000;
/** A file that was written to more recently may not be whole. */
const QUIET_MS = 20_000;

/** Stores outputs while the command runs, as they come to rest: a machine may go without a word. */
export function startOutputSync(
  of: { readonly home: Home; readonly assignment: Assignment; readonly work: string },
  made: Ports["outputs"],
  { everyMs = EVERY_MS, quietMs = QUIET_MS } = {},
): OutputSync {
  const { home, assignment, work } = of;
  const folders = keptFolders(home.run, assignment, made, work);
  const stored = new Map<string, string>();
  const stopped = new AbortController();
  let timer = setTimeout(tick, everyMs);
  let last: Promise<void> = Promise.resolve();

  function tick(): void {
    last = look()
      .catch(() => {})
      .then(() => {
        if (!stopped.signal.aborted) timer = setTimeout(tick, everyMs);
      });
  }

  async function look(): Promise<void> {
    for (const { folder, uri } of folders) {
      for (const { path, full, sizeBytes } of await filesBelow(folder)) {
        if (stopped.signal.aborted) return;
        const { mtimeMs } = await stat(full);
        const version = `${sizeBytes} ${mtimeMs}`;
        if (Date.now() - mtimeMs < quietMs || stored.get(full) === version) continue;
        await collect(home, uri, { file: full, name: path }, { signal: stopped.signal });
        stored.set(full, version);
      }
    }
  }

  return {
    async stop() {
      stopped.abort();
      clearTimeout(timer);
      await last;
    },
  };
}
