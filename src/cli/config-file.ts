import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { AppError } from "../contract/errors.ts";

export const CONFIG_KEYS = ["workspace", "address", "token"] as const;
export type ConfigKey = (typeof CONFIG_KEYS)[number];
export type Config = { readonly [K in ConfigKey]?: string };

type Env = Readonly<Record<string, string | undefined>>;

export function configPath(env: Env): string {
  const base = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config");
  return join(base, "trainyard", "config.json");
}

/** The user's defaults; empty when there are none. */
export function readConfig(env: Env): Config {
  const path = configPath(env);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ENOTDIR")
      return {};
    throw new AppError(
      "InvalidArgument",
      `\`${path}\` cannot be read: ${(error as Error).message}`,
      {},
      { cause: error },
    );
  }
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const config: Partial<Record<ConfigKey, string>> = {};
    for (const key of CONFIG_KEYS) {
      const entry = value[key];
      if (typeof entry === "string") config[key] = entry;
    }
    return config;
  } catch (cause) {
    throw new AppError("InvalidArgument", `\`${path}\` is not JSON`, { hint: "mend or remove it" }, { cause });
  }
}

/** Replaces the file; only its owner can read it, since it may hold a token. */
export function writeConfig(env: Env, config: Config): void {
  const path = configPath(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}
