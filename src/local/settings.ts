import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AppError } from "../contract/errors.ts";
import { DEFAULT_PORT } from "../contract/version.ts";

/** Everything the laptop main is told from outside, parsed once. */
export interface Settings {
  readonly port: number;
  /** `.trainyard` folder. */
  readonly dataDir: string;
  /** Programs that stand beside this one: bundles in a build, sources in a checkout. */
  readonly programs: { readonly runner: string; readonly serving: string };
  /** Folder with the runner's bundle, for machines reached over SSH; absent until `npm run build`. TRAINYARD_RUNNER_BUNDLE names another. */
  readonly runnerBundle: string | undefined;
  /** TRAINYARD_URL_MAP: a JSON file that answers remote addresses from disk. */
  readonly urlMap: string | undefined;
  /** TRAINYARD_PRIVATE_WEBHOOKS=1: notifications may be sent to this machine and private networks. */
  readonly privateWebhooks?: boolean;
  /** TRAINYARD_OIDC_ISSUER and TRAINYARD_OIDC_CLIENT_ID: where people sign in to a home that several share. Absent: tokens only. */
  readonly signIn?: { readonly issuer: string; readonly clientId: string };
}

/** Reads `--port`, `--data-dir` and the environment. Throws InvalidArgument with the flag in the message. */
export function readSettings(argv: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const { port, dataDir } = readFlags(argv);
  return {
    port: readPort(port ?? env.TRAINYARD_PORT),
    dataDir: resolve(expandHome(dataDir ?? env.TRAINYARD_HOME ?? ".trainyard")),
    programs: { runner: program("runner"), serving: program("serving") },
    runnerBundle: env.TRAINYARD_RUNNER_BUNDLE ?? bundleOf("runner"),
    urlMap: env.TRAINYARD_URL_MAP === undefined ? undefined : resolve(env.TRAINYARD_URL_MAP),
    ...(env.TRAINYARD_PRIVATE_WEBHOOKS === "1" ? { privateWebhooks: true } : {}),
    ...readSignIn(env),
  };
}

function readSignIn(env: NodeJS.ProcessEnv): Pick<Settings, "signIn"> {
  const { TRAINYARD_OIDC_ISSUER: issuer, TRAINYARD_OIDC_CLIENT_ID: clientId } = env;
  if (!issuer && !clientId) return {};
  if (issuer && clientId && URL.canParse(issuer)) return { signIn: { issuer, clientId } };
  throw new AppError("InvalidArgument", "TRAINYARD_OIDC_ISSUER (an address) and TRAINYARD_OIDC_CLIENT_ID go together");
}

function readFlags(argv: readonly string[]): { port?: string | undefined; dataDir?: string | undefined } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { port: { type: "string" }, "data-dir": { type: "string" } },
    });
    return { port: values.port, dataDir: values["data-dir"] };
  } catch (cause) {
    throw new AppError(
      "InvalidArgument",
      (cause as Error).message,
      { hint: "flags: --port P --data-dir DIR" },
      { cause },
    );
  }
}

function readPort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new AppError("InvalidArgument", `port \`${text}\` is not a number from 0 to 65535`, {
    hint: "use `--port 7878`",
  });
}

function expandHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}

/** `dist/server/main.mjs` and its chunks have `dist/runner.mjs` above them; `src/local/settings.ts` has `src/runner/main.ts`. */
const here = dirname(fileURLToPath(import.meta.url));
const dist = fileURLToPath(import.meta.url).endsWith(".ts") ? join(here, "..", "..", "dist") : join(here, "..");

function program(name: "runner" | "serving"): string {
  const source = join(here, "..", name, "main.ts");
  return fileURLToPath(import.meta.url).endsWith(".ts") && existsSync(source) ? source : join(dist, `${name}.mjs`);
}

function bundleOf(name: "runner"): string | undefined {
  const folder = join(dist, name);
  return existsSync(join(folder, "main.mjs")) ? folder : undefined;
}
