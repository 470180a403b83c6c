/** Where a command reads and writes; tests hand in their own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Out;
  readonly stderr: Out;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  readStdin(): Promise<string>;
}

export interface Out {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number | undefined;
}

/** The process's own streams. A reader that leaves (`| head`) ends the program without a word. */
export function processIo(): Io {
  const abort = new AbortController();
  let signals = 0;
  const onSignal = (name: NodeJS.Signals) => {
    if (++signals > 1) process.exit(name === "SIGINT" ? 130 : 143);
    abort.abort(new Interrupted(name));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      process.exit(error.code === "EPIPE" ? 0 : 74);
    });
  }
  return {
    env: process.env,
    cwd: process.cwd(),
    stdout: outOf(process.stdout),
    stderr: outOf(process.stderr),
    signal: abort.signal,
    async readStdin() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString("utf8");
    },
  };
}

/** The reason of `Io.signal`. */
export class Interrupted extends Error {
  readonly signalName: string;
  /** How to go on; a command that leaves something running sets it. */
  readonly advice: string | undefined;

  constructor(signalName: string, advice?: string) {
    super(`interrupted by ${signalName}`);
    this.signalName = signalName;
    this.advice = advice;
  }
}

function outOf(stream: NodeJS.WriteStream): Out {
  return {
    write: (text) => {
      stream.write(text);
    },
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns;
    },
  };
}
