import { execFile } from "node:child_process";
import { accessSync, constants, readdirSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import { nearestPython, OLDEST_PYTHON, pythonMinor } from "../../contract/python-versions.ts";

/** A Python that environments can be made from. */
export interface Python {
  /** The interpreter itself, no link or shim. */
  readonly path: string;
  /** `3.11.7`. */
  readonly version: string;
  /** `3.11`. */
  readonly minor: string;
  /** Both are needed to make an environment without a network. */
  readonly hasVenv: boolean;
  readonly hasPip: boolean;
}

const PROBE = `
import sys, json, os
from importlib.util import find_spec as f
e = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps([os.path.realpath(e), "%d.%d.%d" % sys.version_info[:3], f("venv") is not None and f("ensurepip") is not None, f("pip") is not None, sys.implementation.name]))
`;

/**
 * Paths that may be Pythons, best first: TRAINYARD_JOB_PYTHON, `python3` and `python3.N` on PATH, then pyenv's and uv's.
 * Only looked at, not run; pyenv's shims are left out since they start a shell and may point nowhere.
 */
export function pythonCandidates(environment: NodeJS.ProcessEnv = process.env): string[] {
  const found = new Map<string, string>();
  const add = (path: string | undefined) => {
    if (path === undefined || path === "" || path.includes("/shims/")) return;
    try {
      accessSync(path, constants.X_OK);
      const real = realpathSync(path);
      if (!found.has(real) && statSync(real).isFile()) found.set(real, path);
    } catch {
      // Not there.
    }
  };
  add(environment.TRAINYARD_JOB_PYTHON);
  const folders = (environment.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of folders) add(join(folder, "python3"));
  for (const folder of [...folders, "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]) {
    for (const name of namesIn(folder, /^python3\.\d+$/)) add(join(folder, name));
  }
  const home = environment.HOME ?? homedir();
  const versions = [
    join(environment.PYENV_ROOT ?? join(home, ".pyenv"), "versions"),
    join(environment.XDG_DATA_HOME ?? join(home, ".local/share"), "uv/python"),
  ];
  for (const folder of versions) for (const name of namesIn(folder)) add(join(folder, name, "bin/python3"));
  for (const folder of folders) add(join(folder, "python"));
  return [...found.values()];
}

/** Newest version first. */
function namesIn(folder: string, pattern = /\d/): string[] {
  try {
    const names = readdirSync(folder).filter((name) => pattern.test(name));
    return names.sort((a, b) => versionIn(b) - versionIn(a) || (a < b ? 1 : -1));
  } catch {
    return [];
  }
}

/** `3.11.7` in a name as a number that orders like it. (A collator would, too, and take 30 ms to load.) */
function versionIn(name: string): number {
  const [major = 0, minor = 0, patch = 0] = (/\d+(?:\.\d+)*/.exec(name)?.[0] ?? "").split(".").map(Number);
  return (major * 1000 + minor) * 1000 + patch;
}

/** Runs a candidate to see what it is; undefined for anything but a working CPython or PyPy from 3.10 up. */
export function probePython(path: string): Promise<Python | undefined> {
  return new Promise((resolve) => {
    execFile(path, ["-I", "-c", PROBE], { timeout: 20_000 }, (error, stdout) => {
      if (error !== null) {
        resolve(undefined);
        return;
      }
      try {
        const [real, version, hasVenv, hasPip] = JSON.parse(stdout) as [string, string, boolean, boolean];
        const minor = version.split(".").slice(0, 2).join(".");
        const major = Number(version.split(".")[0]);
        const usable = major === 3 && pythonMinor(version) >= pythonMinor(OLDEST_PYTHON);
        resolve(usable ? { path: real, version, minor, hasVenv, hasPip } : undefined);
      } catch {
        resolve(undefined);
      }
    });
  });
}

/** The wanted Python, or the nearest; with none wanted, the first on PATH that is new enough. */
export async function findPython(wanted?: string, environment: NodeJS.ProcessEnv = process.env): Promise<Python> {
  const found: Python[] = [];
  const preferred = wanted === undefined ? undefined : `/python${wanted}`;
  const candidates = pythonCandidates(environment);
  // A name that says the wanted version saves running the others.
  const ordered = [...candidates].sort((a, b) => Number(says(b, preferred)) - Number(says(a, preferred)));
  for (const path of ordered) {
    const python = await probePython(path);
    if (python === undefined) continue;
    if ((wanted === undefined || python.minor === wanted) && (python.hasVenv || python.hasPip)) return python;
    found.push(python);
  }
  const able = found.filter((python) => python.hasVenv || python.hasPip);
  const choice = nearestPython(
    wanted ?? "3.11",
    (able.length > 0 ? able : found).map((python) => python.minor),
  );
  const python = (able.length > 0 ? able : found).find((one) => one.minor === choice);
  if (python !== undefined) return python;
  throw new AppError("EnvironmentBuildFailed", `no Python from ${OLDEST_PYTHON} up was found on this machine`, {
    hint: `install Python ${wanted ?? "3.11"} with its venv module, or name one with TRAINYARD_JOB_PYTHON`,
    looked_at: candidates,
  });
}

function says(path: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  return path.endsWith(wanted) || path.includes(`/versions/${wanted.replace("/python", "")}.`);
}

/** A look at a machine's Pythons counts for so long in a process. */
const LOOK_COUNTS_MS = 10_000;
let lastLook: { readonly of: string; readonly atMs: number; readonly text: string } | undefined;

/** Changes when a Python is installed, removed or replaced; costs a look at each candidate, not a start. */
export function pythonFingerprint(environment: NodeJS.ProcessEnv = process.env): string {
  const of = `${environment.PATH}\n${environment.TRAINYARD_JOB_PYTHON}`;
  const atMs = performance.now();
  if (lastLook?.of === of && atMs - lastLook.atMs < LOOK_COUNTS_MS) return lastLook.text;
  const text = pythonCandidates(environment)
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return `${path}:${found?.size ?? 0}:${Math.trunc(found?.mtimeMs ?? 0)}`;
    })
    .join("|");
  lastLook = { of, atMs, text };
  return text;
}
