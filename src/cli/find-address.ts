import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AppError } from "../contract/errors.ts";
import { readConfig } from "./config-file.ts";
import type { Io } from "./io.ts";

export interface Address {
  readonly url: string;
  readonly token: string | undefined;
  readonly source: "environment" | "server-file" | "config";
  /** In words, for messages. */
  readonly from: string;
  /** `.trainyard` folder of a laptop home. */
  readonly dataDir: string | undefined;
}

/** TRAINYARD_URL and TRAINYARD_TOKEN, then `.trainyard/server.json` (TRAINYARD_HOME, or here and upwards), then the user's config. */
export function findAddress(io: Pick<Io, "env" | "cwd">): Address {
  const config = readConfig(io.env);
  const home = findServerFile(io);
  const url = io.env.TRAINYARD_URL;
  if (url !== undefined && url !== "") {
    const known = home?.url === trimmed(url) ? home.token : config.address === trimmed(url) ? config.token : undefined;
    return {
      url: checkUrl(url, "TRAINYARD_URL"),
      token: io.env.TRAINYARD_TOKEN ?? known,
      source: "environment",
      from: "TRAINYARD_URL",
      dataDir: home?.url === trimmed(url) ? home.dataDir : undefined,
    };
  }
  if (home !== undefined) {
    return {
      ...home,
      token: io.env.TRAINYARD_TOKEN ?? home.token,
      source: "server-file",
      from: join(home.dataDir, "server.json"),
    };
  }
  if (config.address !== undefined) {
    return {
      url: checkUrl(config.address, "`yard config`"),
      token: io.env.TRAINYARD_TOKEN ?? config.token,
      source: "config",
      from: "yard config",
      dataDir: undefined,
    };
  }
  throw new AppError("Unavailable", "no home is running here", {
    hint: "start one with `yard up`, or name one: TRAINYARD_URL, or `yard config set address URL`",
  });
}

/** The folder of the laptop home here, running or not. */
export function findDataDir(io: Pick<Io, "env" | "cwd">): string | undefined {
  return findServerFile(io)?.dataDir;
}

function findServerFile(
  io: Pick<Io, "env" | "cwd">,
): { url: string; token: string | undefined; dataDir: string } | undefined {
  if (io.env.TRAINYARD_HOME) return readServerFile(resolve(io.cwd, io.env.TRAINYARD_HOME));
  for (let folder = io.cwd; ; folder = dirname(folder)) {
    const found = readServerFile(join(folder, ".trainyard"));
    if (found !== undefined) return found;
    if (dirname(folder) === folder) return undefined;
  }
}

function readServerFile(dataDir: string): { url: string; token: string | undefined; dataDir: string } | undefined {
  try {
    const content = JSON.parse(readFileSync(join(dataDir, "server.json"), "utf8")) as {
      url?: unknown;
      token?: unknown;
    };
    if (typeof content.url !== "string") return undefined;
    return { url: trimmed(content.url), token: typeof content.token === "string" ? content.token : undefined, dataDir };
  } catch {
    return undefined;
  }
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}

export function checkUrl(url: string, from: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol)) return trimmed(url);
  throw new AppError("InvalidArgument", `${from} is \`${url}\`, which is not an http or https address`, {
    hint: "for example `http://127.0.0.1:7878`",
  });
}
