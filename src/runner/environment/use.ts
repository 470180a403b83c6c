import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { EnvironmentSpec } from "../../contract/environments.ts";
import { AppError } from "../../contract/errors.ts";
import { makeOverlay } from "./overlay.ts";
import { type PreparedEnvironment, prepareEnvironment } from "./prepare.ts";

/** An environment as a command uses it. */
export interface UsedEnvironment {
  /** First on PATH. */
  readonly binDirs: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly report: { readonly hash: string; readonly ref: string; readonly cached: boolean };
  readonly notes: readonly string[];
}

export interface UseOptions {
  readonly spec: EnvironmentSpec;
  readonly cacheDir: string;
  /** Where this job's own layer goes. */
  readonly folder: string;
  readonly onLog: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Prepares the environment and puts a layer of the job's own over it. */
export async function useEnvironment(options: UseOptions): Promise<UsedEnvironment> {
  const { spec } = options;
  if (spec.kind === "interpreter") return useInterpreter(spec.interpreter ?? "");
  if (spec.kind === "image") {
    throw new AppError(
      "NotSupported",
      `environment \`${spec.label}\` is the image \`${spec.image}\`, and this compute runs no containers`,
      {
        hint: "give the environment a conda file, or use a curated environment",
      },
    );
  }
  const prepared = await prepareEnvironment(options);
  const overlay = makeOverlay(prepared.prefix, options.folder);
  return {
    binDirs: [join(overlay.prefix, "bin")],
    variables: { VIRTUAL_ENV: overlay.prefix, ...overlay.variables },
    report: { hash: prepared.hash, ref: environmentRef(prepared), cached: prepared.cached },
    notes: prepared.notes,
  };
}

export function environmentRef(prepared: PreparedEnvironment): string {
  return `python:${prepared.prefix}`;
}

/** What a person has installed already is used as it is; a job that installs packages changes it, as it would by hand. */
async function useInterpreter(path: string): Promise<UsedEnvironment> {
  const prefix = await new Promise<string>((resolve, reject) => {
    execFile(path, ["-c", "import sys; print(sys.prefix)"], { timeout: 20_000 }, (error, stdout) => {
      if (error === null) resolve(stdout.trim());
      else {
        reject(
          new AppError("EnvironmentBuildFailed", `the interpreter \`${path}\` does not run on this compute`, {
            hint: "name a Python that is installed there",
          }),
        );
      }
    });
  });
  return {
    binDirs: [dirname(path)],
    variables: existsSync(join(prefix, "pyvenv.cfg")) ? { VIRTUAL_ENV: prefix } : {},
    report: { hash: "interpreter", ref: `python:${prefix}`, cached: true },
    notes: [],
  };
}
