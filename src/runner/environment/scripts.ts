import {
  chmodSync,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/**
 * Makes the console scripts of an environment start the Python that stands beside them instead of one at a fixed path. A job's overlay
 * links to them, and they then see what the job installed. The first lines are a shell script to sh and a string to Python.
 */
export function loosenScripts(binDir: string): void {
  for (const name of readdirSync(binDir)) {
    const path = join(binDir, name);
    if (!lstatSync(path).isFile() || statSync(path).size > 1_000_000) continue;
    const start = firstBytes(path, 512);
    if (!start.startsWith("#!")) continue;
    const text = readFileSync(path, "utf8");
    const body = withoutLauncher(text, binDir);
    if (body === undefined) continue;
    writeFileSync(path, `#!/bin/sh\n'''exec' "\${0%/*}/python" "$0" "$@"\n' '''\n${body}`);
    chmodSync(path, 0o755);
  }
}

/** What follows the lines that start the environment's own Python; undefined for other scripts. */
function withoutLauncher(text: string, binDir: string): string | undefined {
  const [first = "", second = "", third = "", ...rest] = text.split("\n");
  if (first.startsWith(`#!${binDir}/python`)) return [second, third, ...rest].join("\n");
  // The form installers choose when the path is too long for a first line.
  if (/^#!\s*\/bin\/sh\s*$/.test(first) && second.startsWith("'''exec'") && third.trim() === "' '''")
    return rest.join("\n");
  return undefined;
}

function firstBytes(path: string, count: number): string {
  const file = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(count);
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, count, 0));
  } finally {
    closeSync(file);
  }
}
