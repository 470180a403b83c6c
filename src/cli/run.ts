import { AppError, ERRORS, isAppError } from "../contract/errors.ts";
import type { Command, Noun } from "./command.ts";
import { makeContext } from "./context.ts";
import { Interrupted, type Io } from "./io.ts";
import { KeepRunning } from "./keep-running.ts";
import { NOUNS, rootHelp } from "./nouns.ts";
import { errorText } from "./output/error.ts";
import { FORMATS, type Format, print } from "./output/format.ts";

/**
 * Runs one command line and answers the exit code: that of the command, or the error's of contract/errors.ts.
 * Undefined: the process goes on by itself (`yard up`).
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number | undefined> {
  const asked = formatIn(argv);
  try {
    const [name, ...rest] = argv;
    if (name === undefined || name === "--help" || name === "-h" || name === "help") {
      io.stdout.write(rootHelp());
      return 0;
    }
    return await runNoun(name, await loadNoun(name), rest, io);
  } catch (error) {
    if (error instanceof KeepRunning) return undefined;
    if (error instanceof Interrupted) {
      if (error.advice !== undefined) io.stderr.write(`\n${error.advice}\n`);
      return error.signalName === "SIGTERM" ? 143 : 130;
    }
    io.stderr.write(
      errorText(error, { json: asked === "json", debug: argv.includes("--debug"), color: io.stderr.isTTY }),
    );
    return isAppError(error) ? ERRORS[error.code].exit : ERRORS.Internal.exit;
  }
}

async function loadNoun(name: string): Promise<Noun> {
  const entry = Object.hasOwn(NOUNS, name) ? NOUNS[name] : undefined;
  if (entry !== undefined) return entry.load();
  const { nearest } = await import("../spec/suggest.ts");
  const near = nearest(name, Object.keys(NOUNS));
  throw new AppError("InvalidArgument", `\`yard ${name}\` is not a command`, {
    hint: near === undefined ? "`yard --help` lists them" : `did you mean \`yard ${near}\`?`,
  });
}

async function runNoun(name: string, noun: Noun, argv: readonly string[], io: Io): Promise<number> {
  const { parseCommandLine } = await import("./parse.ts");
  let exit = 0;
  await parseCommandLine({ name, noun, argv, io }, async (command: Command, { common, flags, args }) => {
    const ctx = makeContext(io, { workspace: common.workspaceName, format: common.output, query: common.query });
    const shown = await command.run(ctx, flags, args);
    await print(io.stdout, shown, common.output, common.query);
    exit = shown.exit ?? 0;
  });
  return exit;
}

/** The format asked for, read before parsing so that a parse error can be worded in it. */
function formatIn(argv: readonly string[]): Format | undefined {
  for (const [i, arg] of argv.entries()) {
    const value = arg === "-o" || arg === "--output" ? argv[i + 1] : /^(?:--output|-o)=(.*)$/.exec(arg)?.[1];
    const found = FORMATS.find((format) => format === value);
    if (found !== undefined) return found;
  }
  return undefined;
}
