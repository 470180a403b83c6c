import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { AppError } from "../contract/errors.ts";
import { executableOn, type Plan } from "./distribution.ts";
import type { OutputPipe } from "./pipe.ts";
import { endAll } from "./processes.ts";

export interface CommandEnd {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** The rank that failed first, when there are several. */
  readonly rank?: string;
  /** Why, in a sentence, where code and output do not tell. */
  readonly reason?: string;
}

export interface RunningCommand {
  /** Process groups, one a rank. */
  readonly groups: readonly number[];
  /** First failure, else success of all. Other ranks are still there when one failed. */
  readonly ended: Promise<CommandEnd>;
  /** All writers of the output are gone. */
  readonly drained: Promise<void>;
  /** Ends all it started: asks, and after the grace period kills. Resolves when nothing is left, or nothing more can be done. */
  end(graceMs: number): Promise<void>;
  abandonOutput(): void;
  /** What its machine's GPUs do, where only it can see them. */
  readonly readGraphics?: () => Promise<string>;
}

export interface StartOptions {
  readonly command: string;
  readonly plan: Plan;
  /** Work folder of the attempt: marks all that the command starts. */
  readonly folder: string;
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Made before, one a rank. */
  readonly pipes: readonly OutputPipe[];
  readonly write: (chunk: Uint8Array | string) => void;
}

let shell: string | undefined;

/** A Python with words that mean themselves to every shell. */
const PLAIN = /^python[\d.]*(?: +[\w./=:,@+-]+)*$/;

/** A shell takes a quarter of a short command's time: where it would do nothing but start a Python, that is started. */
function wordsOf({ command, plan, variables }: StartOptions): readonly string[] {
  shell ??= ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"].find((path) => existsSync(path)) ?? "/bin/sh";
  const [name = "", ...args] = command.trim().split(/ +/);
  if (plan.launcher === undefined && variables.BASH_ENV === undefined && PLAIN.test(command.trim())) {
    const program = executableOn(variables.PATH ?? "", name);
    if (program !== undefined) return [program, ...args];
  }
  return [...(plan.launcher ?? []), shell, "-c", command];
}

/** Starts the command: each rank in its own session and process group, stdout and stderr as one stream. */
export function startCommand(options: StartOptions): RunningCommand {
  const { plan, write } = options;
  const [program = "", ...args] = wordsOf(options);
  const begunMs = performance.now();
  const several = plan.ranks.length > 1;
  const started = plan.ranks.map((rank, i) => {
    const pipe = options.pipes[i];
    if (pipe === undefined) throw new AppError("Internal", `rank ${rank.label} has no output pipe`);
    const child = spawn(program, args, {
      cwd: options.cwd,
      // As a shell would set it.
      env: { ...options.variables, ...rank.variables, PWD: options.cwd },
      stdio: ["ignore", pipe.writer, pipe.writer],
      detached: true,
    });
    pipe.close();
    const output = several ? makePrefixer(`[rank ${rank.label}] `, write) : { take: write, end: () => {} };
    const drained = pipe.read(output.take).then(output.end);
    return { child, pipe, drained, label: rank.label };
  });
  const groups = started.flatMap(({ child }) => (child.pid === undefined ? [] : [child.pid]));
  return {
    groups,
    ended: firstFailure(started, several),
    drained: Promise.all(started.map((one) => one.drained)).then(() => {}),
    end: (graceMs) => endAll(options.folder, groups, graceMs, begunMs),
    abandonOutput: () => started.forEach((one) => void one.pipe.abandon()),
  };
}

function firstFailure(
  started: readonly { readonly child: ChildProcess; readonly label: string }[],
  several: boolean,
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    let left = started.length;
    for (const { child, label } of started) {
      const end = (exitCode: number | undefined, signal: NodeJS.Signals | undefined) => {
        left--;
        if (exitCode !== 0) resolve({ exitCode, signal, ...(several ? { rank: label } : {}) });
        else if (left === 0) resolve({ exitCode: 0, signal: undefined });
      };
      child.once("error", () => end(127, undefined));
      child.once("exit", (code, signal) => end(code ?? undefined, signal ?? undefined));
    }
  });
}

/** Puts a text before each line. Whole lines are passed on, so that those of several ranks do not mix. */
export function makePrefixer(
  prefix: string,
  write: (text: Uint8Array) => void,
): { take(chunk: Uint8Array): void; end(): void } {
  const start = Buffer.from(prefix);
  let rest: Buffer = Buffer.alloc(0);
  return {
    take(chunk) {
      const all = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
      const parts: Buffer[] = [];
      let at = 0;
      for (let end = all.indexOf(10, at); end >= 0; end = all.indexOf(10, at)) {
        parts.push(start, all.subarray(at, end + 1));
        at = end + 1;
      }
      rest = all.subarray(at);
      // A rank that writes no line ends (a progress bar) must still be seen.
      if (rest.length > 64 * 1024) {
        parts.push(start, rest, Buffer.from("\n"));
        rest = Buffer.alloc(0);
      }
      if (parts.length > 0) write(Buffer.concat(parts));
    },
    end() {
      if (rest.length > 0) write(Buffer.concat([start, rest, Buffer.from("\n")]));
      rest = Buffer.alloc(0);
    },
  };
}
