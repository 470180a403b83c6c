import type { Client } from "../client/client.ts";
import { AppError } from "../contract/errors.ts";
import { DEFAULT_WORKSPACE } from "../contract/names.ts";
import { readConfig } from "./config-file.ts";
import { type Address, findAddress } from "./find-address.ts";
import type { Io } from "./io.ts";
import type { Format } from "./output/format.ts";
import { makeProgress, type Progress } from "./progress.ts";

/** The home and the workspace a command works on. */
export interface Link {
  readonly client: Client;
  readonly workspace: string;
  readonly address: Address;
}

/** What a command has at hand. */
export interface Ctx {
  readonly io: Io;
  /** As asked for by `--output`; undefined: the command's default. */
  readonly format: Format | undefined;
  /** The answer is for a person's eyes: a table or short form, whole. */
  readonly human: boolean;
  /** A format or a query was asked for: stdout is the answer's alone. */
  readonly forProgram: boolean;
  /** Finds the home; makes no request. Throws Unavailable when none is known. */
  link(): Promise<Link>;
  workspace(): string;
  /** A line on stderr. */
  note(text: string): void;
  warn(text: string): void;
  progress(label: string): Progress;
}

export function makeContext(
  io: Io,
  given: {
    readonly workspace: string | undefined;
    readonly format: Format | undefined;
    readonly query: string | undefined;
  },
): Ctx {
  let linked: Promise<Link> | undefined;
  const workspace = () =>
    checkName(
      given.workspace ?? nonEmpty(io.env.TRAINYARD_WORKSPACE) ?? readConfig(io.env).workspace ?? DEFAULT_WORKSPACE,
    );

  async function connect(): Promise<Link> {
    const address = findAddress(io);
    const [{ makeClient }, { makeSocketTransport }] = await Promise.all([
      import("../client/client.ts"),
      import("../client/http-node.ts"),
    ]);
    const client = makeClient({
      // Asked before each attempt: a restarted home may listen elsewhere.
      url: () => (address.source === "server-file" ? (tryAddress(io)?.url ?? address.url) : address.url),
      token: () => (address.source === "server-file" ? (tryAddress(io)?.token ?? address.token) : address.token),
      transport: makeSocketTransport(),
      retry: { attempts: 4, baseMs: 60, maxMs: 1000 },
    });
    return { client: forCommand(client, address, io.signal), workspace: workspace(), address };
  }

  return {
    io,
    format: given.format,
    forProgram: given.query !== undefined || given.format !== undefined,
    human: given.query === undefined && (given.format ?? (io.stdout.isTTY ? "table" : "json")) === "table",
    workspace,
    link() {
      linked ??= connect();
      return linked;
    },
    note: (text) => io.stderr.write(`${text}\n`),
    warn: (text) => io.stderr.write(`warning: ${text}\n`),
    progress: (label) => makeProgress(io.stderr, label),
  };
}

function tryAddress(io: Io): Address | undefined {
  try {
    return findAddress(io);
  } catch {
    return undefined;
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function checkName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/.test(name)) return name;
  throw new AppError("InvalidArgument", `\`${name}\` is not a workspace name`, {
    hint: "letters, digits, `-` and `_`, starting with a letter or digit",
  });
}

/** Ctrl-C ends every call; "nothing listens there" tells what to do. */
function forCommand(client: Client, address: Address, signal: AbortSignal): Client {
  const explain = (error: unknown): never => {
    if (error instanceof AppError && error.code === "Unavailable" && error.details.cause === "ECONNREFUSED") {
      throw new AppError(error.code, `${error.message} (address from ${address.from})`, {
        ...error.details,
        hint: "start the home with `yard up`, or set TRAINYARD_URL",
      });
    }
    throw error;
  };
  return {
    call: (route, input) => client.call(route, { signal, ...input }).catch(explain),
    full: (route, input) => client.full(route, { signal, ...input }).catch(explain),
    raw: (url, request) => client.raw(url, { signal, ...request }).catch(explain),
  };
}
