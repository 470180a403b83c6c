import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { GitState } from "../../contract/jobs.ts";

const DIFF_LIMIT_BYTES = 1_048_576;

/** The working copy a folder belongs to; undefined where there is none, or no git. */
export async function gitState(folder: string): Promise<GitState | undefined> {
  if (!inWorkingCopy(folder)) return undefined;
  // Both run at once. `status` tells commit, branch and dirt; `diff` with its remote in front would need a second program.
  const [status, remote] = await Promise.all([
    git(folder, ["status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--ignore-submodules=dirty"]),
    git(folder, ["config", "--get", "remote.origin.url"]),
  ]);
  if (status === undefined) return undefined;
  const commit = /^# branch\.oid ([0-9a-f]{40,64})$/m.exec(status)?.[1];
  const branch = /^# branch\.head (.+)$/m.exec(status)?.[1];
  const dirty = /^[^#]/m.test(status);
  // Untracked files alone have no diff.
  const diff =
    commit !== undefined && /^[12u] /m.test(status)
      ? await git(folder, ["diff", "--no-ext-diff", "--no-color", "--binary", "HEAD"])
      : undefined;
  return {
    ...(commit === undefined ? {} : { commit }),
    ...(branch === undefined || branch === "(detached)" ? {} : { branch: branch.slice(0, 500) }),
    ...(remote === undefined || remote.trim() === ""
      ? {}
      : { remote: withoutCredentials(remote.trim()).slice(0, 2000) }),
    dirty,
    ...(diff === undefined || diff === "" ? {} : { diff }),
  };
}

/** Saves starting git where there is nothing for it. */
function inWorkingCopy(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return true;
    if (dirname(at) === at) return false;
  }
}

/** Output of a git command, at most 1 MB of it, cut at a line's end; undefined when it fails. */
function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn("git", ["-C", folder, "--no-optional-locks", ...args], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000,
      env: { ...process.env, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" },
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      if (size <= DIFF_LIMIT_BYTES) chunks.push(chunk);
      size += chunk.length;
      if (size > DIFF_LIMIT_BYTES) child.kill();
    });
    child.on("error", () => resolve(undefined));
    child.on("close", (code) => {
      if (code !== 0 && size <= DIFF_LIMIT_BYTES) resolve(undefined);
      else resolve(cut(Buffer.concat(chunks)));
    });
  });
}

/** At most the limit in UTF-8, with whatever is not text replaced. */
function cut(bytes: Buffer): string {
  const text = bytes.toString("utf8").replaceAll("\0", "\ufffd");
  if (Buffer.byteLength(text) <= DIFF_LIMIT_BYTES) return text;
  const short = Buffer.from(text)
    .subarray(0, DIFF_LIMIT_BYTES - 4)
    .toString("utf8");
  return short.slice(0, short.lastIndexOf("\n") + 1);
}

/** `https://user:secret@host/x` -> `https://host/x`; `git@host:x` carries none. */
export function withoutCredentials(remote: string): string {
  if (!URL.canParse(remote)) return remote;
  const url = new URL(remote);
  if (url.username === "" && url.password === "" && url.search === "") return remote;
  // In `ssh://git@host` the name is part of the address.
  if (url.protocol !== "ssh:") url.username = "";
  url.password = "";
  url.search = "";
  return url.toString();
}
