import {
  type Application,
  buildApplication,
  buildCommand,
  buildRouteMap,
  type CommandContext,
  type PartialApplicationConfiguration,
  run,
  text_en,
} from "@stricli/core";
import { AppError } from "../contract/errors.ts";
import { type Command, type Flag, type Flags, flag, type Noun } from "./command.ts";
import type { Io } from "./io.ts";
import { FORMATS, type Format } from "./output/format.ts";

/** Flags every command takes. Azure's names of places are accepted, so that scripts carry over; a home has no use for them. */
const COMMON = {
  output: flag.choice("Format of the answer", FORMATS, { short: "o" }),
  query: flag.text("JMESPath: part of the answer", { placeholder: "jmespath" }),
  workspaceName: flag.text("Workspace", { short: "w", placeholder: "name" }),
  resourceGroup: flag.text("Accepted for Azure scripts; no effect", { short: "g", hidden: true }),
  subscription: flag.text("Accepted for Azure scripts; no effect", { hidden: true }),
  onlyShowErrors: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
  verbose: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
  debug: flag.is("Shows where an error came from", { hidden: true }),
} satisfies Flags;

interface Parsed {
  readonly common: {
    readonly output: Format | undefined;
    readonly query: string | undefined;
    readonly workspaceName: string | undefined;
  };
  readonly flags: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
}

type Run = (command: Command, parsed: Parsed) => Promise<void>;

/** Reads a command line of one noun, shows help when asked to, and hands the rest to `execute`. Usage errors are InvalidArgument. */
export async function parseCommandLine(
  line: { readonly name: string; readonly noun: Noun; readonly argv: readonly string[]; readonly io: Io },
  execute: Run,
): Promise<void> {
  const { name, noun, io } = line;
  let failure: { readonly error: unknown } | undefined;
  let complaint = "";
  const guarded: Run = async (command, parsed) => {
    try {
      await execute(command, parsed);
    } catch (error) {
      failure = { error };
    }
  };
  const app = application(name, noun, guarded);
  const process: { stdout: object; stderr: object; exitCode?: number | string | null } = {
    stdout: { write: (text: string) => io.stdout.write(text), getColorDepth: () => 1 },
    stderr: { write: (text: string) => (complaint += text), getColorDepth: () => 1 },
  };
  const said = withVerb(noun, line.argv);
  const argv = noun.only === undefined ? spread(said, noun.verbs[said[0] ?? ""]) : spread(said, noun.only);
  await run(app, argv.length === 0 && noun.verbs !== undefined ? ["--help"] : argv, {
    process,
  } as unknown as CommandContext);
  if (failure !== undefined) throw failure.error;
  if (Number(process.exitCode ?? 0) !== 0) {
    const verb = noun.verbs !== undefined && Object.hasOwn(noun.verbs, argv[0] ?? "") ? ` ${argv[0]}` : "";
    const stray = /encountered "(.*)"/s.exec(complaint)?.[1];
    const command = noun.only ?? noun.verbs[argv[0] ?? ""];
    const takesName = stray !== undefined && command?.flags.name !== undefined && !argv.some(isNameFlag);
    throw new AppError("InvalidArgument", complaint.trim().replace(/^error: /, ""), {
      hint: takesName ? `did you mean \`--name ${stray}\`?` : `\`yard ${name}${verb} --help\` shows what it takes`,
    });
  }
}

/** A line without a verb is the noun's bare one; asked for help, it stays as it is. */
function withVerb(noun: Noun, argv: readonly string[]): readonly string[] {
  const [first] = argv;
  if (noun.only !== undefined || noun.bare === undefined || first === "--help" || first === "-h") return argv;
  return first === undefined || first.startsWith("-") ? [noun.bare, ...argv] : argv;
}

function isNameFlag(arg: string): boolean {
  return arg === "-n" || /^--name(?:=|$)/.test(arg);
}

function application(name: string, noun: Noun, execute: Run): Application<CommandContext> {
  const config: PartialApplicationConfiguration = {
    name: `yard ${name}`,
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { caseStyle: "convert-camel-to-kebab", useAliasInUsageLine: true, onlyRequiredInUsageLine: true },
    localization: {
      text: {
        ...text_en,
        noCommandRegisteredForInput: ({ input, corrections }) =>
          `\`yard ${name} ${input}\` is not a command${corrections.length === 0 ? "" : `; did you mean ${corrections.join(" or ")}?`}`,
      },
    },
  };
  if (noun.only !== undefined) return buildApplication(build(noun.only, execute), config);
  const routes = Object.fromEntries(Object.entries(noun.verbs).map(([verb, entry]) => [verb, build(entry, execute)]));
  return buildApplication(buildRouteMap({ routes, docs: { brief: noun.brief } }), config);
}

function build(command: Command, execute: Run) {
  const flags = { ...command.flags, ...COMMON };
  const parameters = {
    flags: Object.fromEntries(Object.entries(flags).map(([name, entry]) => [name, toStricli(entry)])),
    aliases: Object.fromEntries(
      Object.entries(flags).flatMap(([name, entry]) => (entry.short === undefined ? [] : [[entry.short, name]])),
    ),
    positional: positional(command),
  };
  return buildCommand<Record<string, unknown>, string[], CommandContext>({
    func: async (given: Record<string, unknown>, ...args: string[]) => {
      const { output, query, workspaceName, ...own } = given;
      const common = { output, query, workspaceName } as Parsed["common"];
      await execute(command, { common, flags: filled(command.flags, own), args });
    },
    // Stricli infers flags from the function's type; ours come as data.
    parameters: parameters as never,
    docs: { brief: command.brief },
  });
}

/** Flags not given: false, an empty list, undefined. */
function filled(flags: Flags, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, entry]) => [
      name,
      given[name] ?? (entry.kind === "is" ? false : entry.many ? [] : undefined),
    ]),
  );
}

function positional(command: Command) {
  const { args } = command;
  if (args === undefined) return { kind: "tuple", parameters: [] };
  const parameter = { brief: args.brief, parse: String, placeholder: args.placeholder };
  if (args.many) return { kind: "array", parameter, minimum: args.optional ? 0 : 1 };
  return { kind: "tuple", parameters: [{ ...parameter, ...(args.optional ? { optional: true } : {}) }] };
}

function toStricli(entry: Flag<unknown>): object {
  const base = {
    brief: entry.brief,
    ...(entry.required ? {} : { optional: true }),
    ...(entry.hidden ? { hidden: true } : {}),
  };
  if (entry.kind === "is") return { ...base, kind: "boolean", withNegated: false };
  if (entry.kind === "choice") return { ...base, kind: "enum", values: entry.choices };
  const parse = entry.kind === "number" ? wholeNumber : String;
  const placeholder = entry.placeholder === undefined ? {} : { placeholder: entry.placeholder };
  if (entry.many) return { ...base, ...placeholder, kind: "parsed", parse, variadic: true };
  return { ...base, ...placeholder, kind: "parsed", parse };
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new SyntaxError(`\`${text}\` is not a whole number`);
}

/** `--endpoint x` -> `--endpoint-name x`: the beginning of one flag alone stands for it, as in Azure's tools. */
function whole(argv: readonly string[], command: Command): string[] {
  const known = Object.keys({ ...command.flags, ...COMMON }).map((name) => `--${kebab(name)}`);
  const end = argv.indexOf("--");
  return argv.map((arg, i) => {
    const [, name = "", rest = ""] = /^(--[a-z][a-z-]*)(=.*)?$/s.exec(arg) ?? [];
    if (name === "" || (end >= 0 && i > end) || name === "--help" || known.includes(name)) return arg;
    const meant = known.filter((flagName) => flagName.startsWith(name));
    return meant.length === 1 ? `${meant[0]}${rest}` : arg;
  });
}

/** `--set a=1 b=2` -> `--set a=1 --set b=2`: flags that take several take them the way Azure's tools do. */
function spread(given: readonly string[], command: Command | undefined): string[] {
  const argv = command === undefined ? given : whole(given, command);
  const several = new Set(
    Object.entries(command?.flags ?? {})
      .filter(([, entry]) => entry.many)
      .flatMap(([name, entry]) => [`--${kebab(name)}`, ...(entry.short === undefined ? [] : [`-${entry.short}`])]),
  );
  const result: string[] = [];
  let open: string | undefined;
  for (const arg of argv) {
    if (arg === "--") open = undefined;
    else if (several.has(arg)) {
      open = arg;
      continue;
    } else if (arg.startsWith("-") && arg.length > 1) open = undefined;
    if (open === undefined) result.push(arg);
    else result.push(open, arg);
  }
  // A flag without its value is the scanner's to complain about.
  const last = argv.at(-1);
  if (last !== undefined && several.has(last)) result.push(last);
  return result;
}

/** `--file`, `--output`, ...: what help shows of a command's flags. */
export function flagWords(command: Command): string[] {
  return Object.entries<Flag<unknown>>({ ...command.flags, ...COMMON })
    .filter(([, entry]) => !entry.hidden)
    .map(([name]) => `--${kebab(name)}`);
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
