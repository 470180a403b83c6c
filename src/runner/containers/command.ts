import { writeFileSync } from "node:fs";
import { pause } from "../../client/retry.ts";
import { type CommandEnd, makePrefixer, type RunningCommand } from "../command.ts";
import { type OutputPipe, openPipe } from "../pipe.ts";
import { endOfUserContainer } from "./metadata.ts";
import { readIfThere, volumePaths } from "./volume.ts";

export interface WatchOptions {
  readonly volume: string;
  /** Labels of the processes that may be started. */
  readonly ranks: readonly string[];
  readonly write: (chunk: Uint8Array | string) => void;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when nobody waits for the command any more. */
  readonly signal: AbortSignal;
}

const LOOK_MS = 100;
const ASK_MS = 3000;
/** After a process's last output its exit code is there soon, or never: it was killed. */
const CODE_MS = 2000;
/** The script has this long to obey on top of the grace period. */
const OBEY_MS = 5000;

/** Waits until the command has been started in another container. Where it won't be: why, or "stopped". */
export async function watchUserContainer(
  options: WatchOptions,
): Promise<{ readonly command: RunningCommand } | { readonly end: CommandEnd } | "stopped"> {
  const paths = volumePaths(options.volume);
  // Reading ends where there is no writer, so one is held until the process has opened its pipe.
  const pipes = options.ranks.map((_, rank) => openPipe(paths.output(rank)));
  const started = await waitForStart(options);
  const count = typeof started === "number" ? started : 0;
  for (const pipe of pipes.slice(count)) {
    pipe.close();
    pipe.abandon();
  }
  if (typeof started !== "number") return started;
  return { command: commandOf(options, pipes.slice(0, count)) };
}

/** How many processes there are. */
async function waitForStart({
  volume,
  env,
  signal,
}: WatchOptions): Promise<number | { readonly end: CommandEnd } | "stopped"> {
  let askedMs = performance.now();
  for (;;) {
    const ranks = readIfThere(volumePaths(volume).ranks);
    if (ranks !== undefined) return Number(ranks);
    if (signal.aborted) return "stopped";
    if (performance.now() - askedMs > ASK_MS) {
      const ended = await endOfUserContainer(env);
      askedMs = performance.now();
      if (ended !== undefined && readIfThere(volumePaths(volume).ranks) === undefined)
        return notStarted(ended.exitCode);
    }
    await pause(LOOK_MS);
  }
}

function notStarted(exitCode: number | undefined): { readonly end: CommandEnd } {
  const how = exitCode === undefined ? "could not be started" : `ended with exit code ${exitCode}`;
  const reason = `the container of the job's image ${how} before the command ran; an image needs a shell at /bin/sh, and no entry point that keeps it from running`;
  return { end: { exitCode, signal: undefined, reason } };
}

/** The command in the other container: its output comes through the pipes, its end from files; where it was killed, from the pipes' end. */
function commandOf({ volume, ranks, write }: WatchOptions, pipes: readonly OutputPipe[]): RunningCommand {
  const several = pipes.length > 1;
  const outputs = pipes.map((pipe, rank) => {
    const output = several ? makePrefixer(`[rank ${ranks[rank]}] `, write) : { take: write, end: () => {} };
    void letGo(volume, rank, pipe);
    return pipe.read(output.take).then(output.end);
  });
  const drained = Promise.all(outputs).then(() => {});
  return {
    groups: [],
    drained,
    ended: firstFailure(
      outputs.map(async (silent, rank) => {
        const end = await endOfRank(volume, rank, silent);
        return several ? { ...end, rank: ranks[rank] ?? String(rank) } : end;
      }),
    ),
    async end(graceMs) {
      writeFileSync(volumePaths(volume).stop, "");
      await Promise.race([drained, pause(graceMs + OBEY_MS)]);
    },
    // The driver's tool is in the containers that asked for GPUs only.
    readGraphics: async () => readIfThere(volumePaths(volume).graphics) ?? "",
    abandonOutput: () => {
      for (const pipe of pipes) pipe.abandon();
    },
  };
}

async function letGo(volume: string, rank: number, pipe: OutputPipe): Promise<void> {
  const paths = volumePaths(volume);
  const here = [paths.started(rank), paths.stop, paths.terminated];
  while (here.every((path) => readIfThere(path) === undefined)) await pause(LOOK_MS);
  pipe.close();
}

async function endOfRank(volume: string, rank: number, silent: Promise<void>): Promise<CommandEnd> {
  let silentMs: number | undefined;
  void silent.then(() => {
    silentMs = performance.now();
  });
  for (;;) {
    const code = readIfThere(volumePaths(volume).exit(rank));
    if (code !== undefined) return { exitCode: Number(code), signal: undefined };
    if (silentMs !== undefined && performance.now() - silentMs > CODE_MS)
      return { exitCode: undefined, signal: "SIGKILL" };
    await pause(LOOK_MS);
  }
}

/** The first that failed, else the success of all. */
export function firstFailure(ends: readonly Promise<CommandEnd>[]): Promise<CommandEnd> {
  return new Promise((resolve) => {
    for (const ending of ends) {
      void ending.then((end) => {
        if (end.exitCode !== 0) resolve(end);
      });
    }
    void Promise.all(ends).then(() => resolve({ exitCode: 0, signal: undefined }));
  });
}
