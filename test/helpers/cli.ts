import type { Io, Out } from "../../src/cli/io.ts";
import { runCli } from "../../src/cli/run.ts";

export interface CliResult {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Columns of the terminal; absent: no terminal. */
  readonly terminal?: number;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
}

/** Runs the real command line in this process, with a home folder of the working folder's own. */
export async function yard(argv: readonly string[], options: CliOptions): Promise<CliResult> {
  let out = "";
  let err = "";
  const stream = (write: (text: string) => void): Out => ({
    write,
    isTTY: options.terminal !== undefined,
    columns: options.terminal,
  });
  const io: Io = {
    cwd: options.cwd,
    env: {
      HOME: options.cwd,
      XDG_CONFIG_HOME: `${options.cwd}/.config`,
      XDG_CACHE_HOME: `${options.cwd}/.cache`,
      ...options.env,
    },
    stdout: stream((text) => {
      out += text;
      options.onOut?.(text);
    }),
    stderr: stream((text) => {
      err += text;
      options.onErr?.(text);
    }),
    signal: options.signal ?? new AbortController().signal,
    readStdin: async () => options.stdin ?? "",
  };
  const code = await runCli(argv, io);
  return { code, out, err };
}
