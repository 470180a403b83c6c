import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import { uvVariables } from "../tools/pip-settings.ts";
import { runTool } from "../tools/run-tool.ts";
import { type Attempt, firstAttempt, needsNumpy1, nextAttempt, plannedVersions } from "./requirements.ts";

export interface InstallOptions {
  readonly uv: string;
  /** The environment, made already. */
  readonly prefix: string;
  readonly requirements: readonly string[];
  readonly relax: boolean;
  /** What a person knows the environment by; for messages. */
  readonly label: string;
  readonly onLog: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Enough for every pin of a long list to be loosened twice. */
const MOST_ATTEMPTS = 200;

/** Installs the requirements, as written or as close as can be had. Answers what was changed, one sentence each. */
export async function installRequirements(options: InstallOptions): Promise<readonly string[]> {
  const { onLog } = options;
  const notes: string[] = [];
  let attempt = firstAttempt(withSeed(options.requirements));
  let seeded = attempt.lines.length > options.requirements.length;
  let numpy1 = false;
  let planned = "";
  for (let tries = 0; ; tries++) {
    // Choosing versions first leaves the environment empty until the choice stands, and costs little: the index is read once.
    const dry = planned === "";
    const result = await run(options, attempt, numpy1, dry);
    if (result.code === 0 && dry) {
      planned = result.output;
      if (!numpy1 && needsNumpy1(plannedVersions(planned))) {
        numpy1 = true;
        planned = "";
        notes.push("NumPy is kept below 2: packages of this environment were built for NumPy 1");
        onLog(`${notes.at(-1)}\n`);
      }
      continue;
    }
    if (result.code === 0) return [...notes, ...changes(attempt)];
    planned = "";
    if (seeded && /\bsetuptools\b/.test(result.output)) {
      seeded = false;
      attempt = { ...attempt, lines: attempt.lines.slice(0, -1) };
      continue;
    }
    const next = nextAttempt(attempt, result.output, options.relax);
    if ("reason" in next || tries >= MOST_ATTEMPTS) {
      const reason = "reason" in next ? next.reason : "no combination of versions was found";
      const hint = "reason" in next ? next.hint : undefined;
      throw new AppError("EnvironmentBuildFailed", `environment \`${options.label}\`: ${reason}`, {
        ...(hint === undefined ? {} : { hint }),
        log: result.output.slice(-4000),
      });
    }
    onLog(`${next.note}\n`);
    attempt = next.attempt;
  }
}

function changes(attempt: Attempt): string[] {
  return attempt.lines
    .filter((line) => line.text !== line.written)
    .map((line) => `\`${line.written}\` became \`${line.text}\`: no build of it for this Python`);
}

/** Scripts and packages of the last years import `distutils` and `pkg_resources`; both are in setuptools. Nice to have, so it may fail. */
function withSeed(requirements: readonly string[]): readonly string[] {
  return requirements.some((line) => /^\s*setuptools\b/i.test(line))
    ? requirements
    : [...requirements, "setuptools<81"];
}

function run(options: InstallOptions, attempt: Attempt, numpy1: boolean, dry: boolean) {
  const file = join(options.prefix, "requirements.txt");
  writeFileSync(file, `${attempt.lines.map((line) => line.text).join("\n")}\n`);
  const constraints = join(options.prefix, "constraints.txt");
  if (numpy1) writeFileSync(constraints, "numpy<2\n");
  return runTool(
    options.uv,
    [
      "pip",
      "install",
      "--color=never",
      `--python=${join(options.prefix, "bin/python")}`,
      "--only-binary=:all:",
      ...attempt.buildable.map((name) => `--no-binary=${name}`),
      ...(process.env.UV_NO_INDEX === undefined && uvVariables().UV_NO_INDEX === undefined ? [] : ["--no-index"]),
      ...(numpy1 ? [`--constraint=${constraints}`] : []),
      ...(dry ? ["--dry-run"] : []),
      `--requirement=${file}`,
    ],
    {
      env: { ...process.env, ...uvVariables(), VIRTUAL_ENV: options.prefix },
      signal: options.signal,
      onOutput: options.onLog,
    },
  );
}
