#!/usr/bin/env node
// The bin `yard`: finds a Node that is new enough, then runs the bundle, or the sources where nothing is built.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, "dist", "yard.mjs");
const program = existsSync(bundle) ? bundle : join(root, "src", "cli", "main.ts");

if (Number(process.versions.node.split(".")[0]) >= 24) {
  await import(pathToFileURL(program).href);
} else {
  const { spawn } = await import("node:child_process");
  const own = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (!existsSync(own)) {
    process.stderr.write(
      `error: yard needs Node 24 or newer, and this is ${process.version}\nhint: run \`npm install\`\n`,
    );
    process.exit(70);
  }
  const child = spawn(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // Ctrl-C reaches the child by itself; what is sent to this process alone is passed on.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`error: \`${own}\` could not be started: ${error.message}\n`);
    process.exit(70);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
