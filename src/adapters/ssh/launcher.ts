import { createHash } from "node:crypto";
import { AppError } from "../../contract/errors.ts";
import type { RunnerReport } from "../../contract/runner.ts";
import { credentialsName } from "../../core/computes/record.ts";
import type { Launcher, LaunchRequest, LaunchState } from "../../core/ports/launcher.ts";
import type { Vault } from "../../core/ports/vault.ts";
import { readBundle, uploadBundle } from "./bundle.ts";
import { openConnection, quoted, type SshConnection, type SshCredentials, type SshTarget } from "./connection.ts";
import { cancelScript, cleanupScript, inspectScript, launchScript, prepareScript } from "./scripts.ts";

const DEFAULT_FOLDER = "~/.trainyard-compute";
const NODE_MAJOR = 24;
/** A connection that nobody asked anything of for so long is closed; runners at work keep theirs by being inspected. */
const IDLE_MS = 60_000;

export interface SshLauncherOptions {
  readonly vault: Vault;
  /** Folder of the runner's bundle. */
  readonly runnerBundle: string | undefined;
  /** Where the API listens on this machine. */
  readonly address: () => string;
  /** Tells this home from others that use the same machine and folder. */
  readonly homeId: string;
}

export interface SshLauncher extends Launcher {
  close(): void;
}

/** Kept with the attempt: all that is needed to find it again, but credentials. */
interface Handle {
  readonly workspace: string;
  readonly compute: string;
  readonly target: SshTarget;
  readonly folder: string;
  readonly node?: string;
  /** Work folder on the machine. */
  readonly run: string;
}

interface Machine {
  readonly connection: SshConnection;
  readonly folder: string;
  readonly node: string;
  readonly serverFile: string;
  readonly url: string;
}

/**
 * Runs attempts on other machines over SSH: the same runner, with a port of that machine's loopback leading back to this API. The connection can break and this
 * server restart: runners read the API's address anew from a file, and are found again by what they left in their folders.
 */
export function makeSshLauncher(options: SshLauncherOptions): SshLauncher {
  const machines = new Map<string, { readonly machine: Promise<Machine>; idle?: NodeJS.Timeout }>();
  const lastPorts = new Map<string, number>();

  async function machineOf(place: Omit<Handle, "run">): Promise<Machine> {
    // By compute, not by machine alone: one compute's credentials open nothing for another.
    const key = JSON.stringify([place.workspace, place.compute, place.target, place.folder, place.node ?? ""]);
    const known = machines.get(key);
    if (known !== undefined) {
      const machine = await known.machine.catch(() => undefined);
      if (machine?.connection.isOpen() === true) {
        keep(key);
        return machine;
      }
      if (machines.get(key) === known) machines.delete(key);
    }
    const again = machines.get(key);
    if (again !== undefined) return again.machine;
    const machine = setUp(options, place, lastPorts.get(key) ?? 0);
    machines.set(key, { machine });
    try {
      const made = await machine;
      lastPorts.set(key, Number(new URL(made.url).port));
      keep(key);
      return made;
    } catch (error) {
      machines.delete(key);
      throw error;
    }
  }

  function keep(key: string): void {
    const entry = machines.get(key);
    if (entry === undefined) return;
    clearTimeout(entry.idle);
    entry.idle = setTimeout(() => {
      machines.delete(key);
      entry.machine.then(
        ({ connection }) => connection.close(),
        () => undefined,
      );
    }, IDLE_MS);
    entry.idle.unref();
  }

  return {
    types: ["attached"],
    async launch(request) {
      const place = placeOf(request);
      const bundle = await readBundle(options.runnerBundle);
      const machine = await machineOf(place);
      const program = await uploadBundle(machine.connection, machine.folder, bundle);
      const name = `${options.homeId}.${shortened(`${request.workspace}.${request.attemptId}`)}`;
      const run = `${machine.folder}/runs/${name}`;
      const line = JSON.stringify({
        apiUrl: machine.url,
        serverFile: machine.serverFile,
        token: request.runToken,
        workspace: request.workspace,
        runId: request.runId,
        attemptId: request.attemptId,
        folder: run,
        cacheDir: machine.folder,
        sameHost: false,
      });
      await machine.connection.run(launchScript(run, machine.node, program), `${line}\n`);
      const handle: Handle = { ...place, run };
      return { handle: JSON.stringify(handle) };
    },
    async inspect(text) {
      const handle = parseHandle(text);
      const { connection } = await machineOf(handle);
      return readState(await connection.run(inspectScript(handle.run)));
    },
    async cancel(text, graceSec) {
      const handle = parseHandle(text);
      const { connection } = await machineOf(handle);
      await connection.run(cancelScript(handle.run, graceSec));
    },
    async cleanup(text) {
      const handle = parseHandle(text);
      const { connection } = await machineOf(handle);
      await connection.run(cleanupScript(handle.run));
    },
    close() {
      for (const { machine, idle } of machines.values()) {
        clearTimeout(idle);
        machine.then(
          ({ connection }) => connection.close(),
          () => undefined,
        );
      }
      machines.clear();
    },
  };
}

function placeOf(request: LaunchRequest): Omit<Handle, "run"> {
  const { settings, name } = request.compute;
  return {
    workspace: request.workspace,
    compute: name,
    target: {
      host: String(settings.host),
      port: typeof settings.port === "number" ? settings.port : 22,
      username: String(settings.username),
      hostKey: String(settings.host_key),
    },
    folder: typeof settings.folder === "string" ? settings.folder : DEFAULT_FOLDER,
    ...(typeof settings.node === "string" ? { node: settings.node } : {}),
  };
}

function parseHandle(text: string): Handle {
  return JSON.parse(text) as Handle;
}

function shortened(name: string): string {
  return name.length <= 150
    ? name
    : `${name.slice(0, 100)}-${createHash("sha256").update(name).digest("hex").slice(0, 24)}`;
}

/** Connects, sees that the machine has what a runner needs, and opens the way back. */
async function setUp(options: SshLauncherOptions, place: Omit<Handle, "run">, wantedPort: number): Promise<Machine> {
  const secret = await options.vault.get(credentialsName(place.workspace, place.compute));
  const credentials = secret === undefined ? {} : (JSON.parse(secret) as SshCredentials);
  const connection = await openConnection(place.target, credentials);
  try {
    const facts = readFacts(await connection.run(prepareScript(place.folder, place.node)));
    const node = checkNode(place, facts.node);
    if (facts.python === "") {
      throw new AppError("NotSupported", `machine \`${place.target.host}\` has no \`python3\` on its PATH`, {
        hint: "install Python 3.10 or later there",
      });
    }
    const port = await connection.forward(Number(new URL(options.address()).port), wantedPort);
    const url = `http://127.0.0.1:${port}`;
    const serverFile = `${facts.folder}/server-${options.homeId}.json`;
    const temporary = quoted(`${serverFile}.new`);
    await connection.run(
      `umask 077; cat > ${temporary} && mv ${temporary} ${quoted(serverFile)}`,
      JSON.stringify({ url }),
    );
    return { connection, folder: facts.folder, node, serverFile, url };
  } catch (error) {
    connection.close();
    throw error;
  }
}

function readFacts(output: string): { readonly folder: string; readonly node: string; readonly python: string } {
  const fact = (name: string): string => new RegExp(`^${name} (.*)$`, "m").exec(output)?.[1]?.trim() ?? "";
  return { folder: fact("folder"), node: fact("node"), python: fact("python") };
}

function checkNode(place: Omit<Handle, "run">, found: string): string {
  const space = found.lastIndexOf(" ");
  const [path, version] = [found.slice(0, space), found.slice(space + 1)];
  const major = Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);
  if (major >= NODE_MAJOR) return path;
  const has = found === "" ? "no `node`" : `\`${path}\` ${version}`;
  throw new AppError(
    "NotSupported",
    `machine \`${place.target.host}\` has ${has}; the runner needs Node ${NODE_MAJOR} or later`,
    {
      hint: "install it there, or name its path as `node` of the compute",
    },
  );
}

function readState(output: string): LaunchState {
  const lines = new Map(
    output.split("\n").map((line) => [line.split(" ", 1)[0] ?? "", line.slice(line.indexOf(" ") + 1)]),
  );
  const runner = readJson(lines.get("runner.json"));
  const stat = lines.get("stat");
  if (lines.has("alive") || (stat !== undefined && isRunner(stat, runner))) {
    return { state: runner === undefined ? "starting" : "running" };
  }
  if (lines.has("starting")) return { state: "starting" };
  const report = readJson(lines.get("final.json"));
  if (report !== undefined) return { state: "exited", report: report as unknown as RunnerReport };
  const log = lines.get("log")?.trim() ?? "";
  const said = log === "" ? "" : `; its last words: ${log}`;
  return { state: "gone", reason: `its runner is not running any more (killed, or the machine restarted)${said}` };
}

/** Field 22 is the start time: a reused pid is another process. */
function isRunner(stat: string, runner: Record<string, unknown> | undefined): boolean {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return false;
  return typeof runner?.start_time !== "string" || fields[19] === runner.start_time;
}

function readJson(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
