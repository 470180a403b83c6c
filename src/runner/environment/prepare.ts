import {
  accessSync,
  appendFileSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { EnvironmentSpec } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import { replaceFile } from "../state.ts";
import { findPython, type Python, pythonFingerprint } from "../tools/python.ts";
import { findUv } from "../tools/uv.ts";
import { binDir, createEnvironment } from "./create.ts";
import { installRequirements } from "./install.ts";
import { acquire } from "./lock.ts";
import { loosenScripts } from "./scripts.ts";
import { environmentHash, questionHash } from "./spec-hash.ts";

export interface PrepareOptions {
  readonly spec: EnvironmentSpec;
  /** Holds `envs/` and `tools/`. */
  readonly cacheDir: string;
  /** Progress and the installer's own words. Nothing is said of an environment that is ready. */
  readonly onLog: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A Python environment that is ready and shared: nobody may change it. */
export interface PreparedEnvironment {
  readonly hash: string;
  readonly prefix: string;
  readonly cached: boolean;
  /** `3.11.7`. */
  readonly python: string;
  /** What differs from what was asked for. */
  readonly notes: readonly string[];
}

interface ReadyFile {
  readonly label: string;
  readonly python: string;
  readonly requirements: readonly string[];
  readonly notes: readonly string[];
}

/** The environment of a spec, built if it is not there. Builders of the same one wait for each other, in whatever process they are. */
export async function prepareEnvironment(options: PrepareOptions): Promise<PreparedEnvironment> {
  const { spec, cacheDir } = options;
  if (spec.kind !== "python")
    throw new AppError("NotSupported", `environment \`${spec.label}\` is no Python environment`);
  const envs = join(cacheDir, "envs");
  // Which environment a spec means depends on the Pythons that are installed; asking them again costs more than a job's start may.
  const answer = join(envs, "answers", questionHash(spec, pythonFingerprint()));
  const known = readText(answer);
  if (known !== undefined) {
    const ready = readReady(envs, known);
    if (ready !== undefined) return { ...ready, cached: true };
  }
  const python = await findPython(spec.python);
  const hash = environmentHash(spec, python.minor);
  const prepared = await ready(options, envs, hash, python);
  mkdirSync(join(envs, "answers"), { recursive: true });
  replaceFile(answer, hash);
  return prepared;
}

async function ready(
  options: PrepareOptions,
  envs: string,
  hash: string,
  python: Python,
): Promise<PreparedEnvironment> {
  const { spec, onLog, signal } = options;
  const found = () => readReady(envs, hash);
  const logPath = join(envs, `${hash}.log`);
  for (;;) {
    const there = found();
    if (there !== undefined) return { ...there, cached: true };
    const follow = makeFollower(logPath, onLog);
    const lock = await acquire(join(envs, `${hash}.lock`), {
      signal,
      whileWaiting: () => {
        follow();
        return found() !== undefined;
      },
    });
    follow();
    if (lock === undefined) continue;
    try {
      const meanwhile = found();
      if (meanwhile !== undefined) return { ...meanwhile, cached: true };
      writeFileSync(logPath, "");
      const tell = (text: string) => {
        appendFileSync(logPath, text);
        onLog(text);
      };
      await build({ ...options, onLog: tell }, join(envs, hash), python);
      const built = found();
      if (built === undefined)
        throw new AppError("Internal", `environment \`${spec.label}\` was built and is not there`);
      return { ...built, cached: false };
    } finally {
      lock.release();
    }
  }
}

async function build(options: PrepareOptions, prefix: string, python: Python): Promise<void> {
  const { spec, onLog, signal } = options;
  const requirements = spec.requirements ?? [];
  const uv = () => findUv({ toolsDir: join(options.cacheDir, "tools"), python, onLog, signal });
  // Scripts and links hold this very path, so it is built in place; only the marker makes it an environment.
  rmSync(prefix, { recursive: true, force: true });
  try {
    onLog(`building environment \`${spec.label}\` with Python ${python.version}\n`);
    await createEnvironment({ python, prefix, uv, signal });
    const notes =
      requirements.length === 0
        ? []
        : await installRequirements({
            uv: await uv(),
            prefix,
            requirements,
            relax: spec.relax_pins === true,
            label: spec.label,
            onLog,
            signal,
          });
    loosenScripts(binDir(prefix));
    const wanted = spec.python;
    const all =
      wanted === undefined || python.minor === wanted
        ? notes
        : [`Python ${wanted} is not installed here; Python ${python.minor} is used`, ...notes];
    const file: ReadyFile = { label: spec.label, python: python.version, requirements, notes: all };
    replaceFile(join(prefix, READY), JSON.stringify(file), true);
  } catch (error) {
    rmSync(prefix, { recursive: true, force: true });
    throw full(error)
      ? new AppError("EnvironmentBuildFailed", `environment \`${spec.label}\`: the disk is full`, {}, { cause: error })
      : error;
  }
}

function full(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOSPC";
}

const READY = "trainyard-ready.json";

function readReady(envs: string, hash: string): Omit<PreparedEnvironment, "cached"> | undefined {
  const prefix = join(envs, hash);
  const text = readText(join(prefix, READY));
  if (text === undefined) return undefined;
  try {
    // The base interpreter may have been removed since.
    accessSync(join(prefix, "bin/python"), constants.X_OK);
    const file = JSON.parse(text) as ReadyFile;
    return { hash, prefix, python: file.python, notes: file.notes };
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Passes on what another process adds to a file. */
function makeFollower(path: string, onText: (text: string) => void): () => void {
  let at = 0;
  const buffer = Buffer.alloc(64 * 1024);
  return () => {
    let file: number;
    try {
      file = openSync(path, "r");
    } catch {
      return;
    }
    try {
      for (
        let read = readSync(file, buffer, 0, buffer.length, at);
        read > 0;
        read = readSync(file, buffer, 0, buffer.length, at)
      ) {
        at += read;
        onText(buffer.toString("utf8", 0, read));
      }
    } finally {
      closeSync(file);
    }
  };
}
