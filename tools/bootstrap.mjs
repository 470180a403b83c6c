// First step of every npm script: makes sure that dependencies, a Node 24 and the bundles are there, then runs the task on that Node.
// Starts on a bare Node >= 18 with nothing installed, so: no dependencies, no TypeScript.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(root, "node_modules", ".trainyard-installed");
const TASKS = {
  quickstart: ["tools/quickstart.ts"],
  start: ["dist/yard.mjs", "up"],
  test: ["tools/test.ts"],
  check: ["tools/check.ts"],
  cases: ["tools/cases.ts"],
  bench: ["bench/run.ts"],
  differential: ["test/differential/run.ts"],
  "test:aws": ["tools/test-aws.ts"],
  "test:localstack": ["tools/test-aws.ts", "--at", process.env.LOCALSTACK_ENDPOINT ?? "http://127.0.0.1:4566"],
  "test:cloud": ["tools/test-aws.ts", "--at", "account"],
  "test:clients": ["tools/test-clients.ts"],
  "test:openapi": ["tools/test-openapi.ts"],
  "test:simulation": ["test/simulation/run.ts"],
};

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

function lockHash() {
  const hash = createHash("sha256");
  for (const file of ["package.json", "package-lock.json"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** `npm ci` when the lock file is not the one that was installed. */
function install() {
  const wanted = lockHash();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) return;
  process.stderr.write("installing packages (once, about a minute) …\n");
  const started = Date.now();
  const npm = process.env.npm_execpath;
  const [command, prefix] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  // --prefer-offline: what the cache holds is checked against the lock file's hashes anyway.
  const result = spawnSync(
    command,
    [...prefix, "ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"],
    {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, NODE_ENV: "development" },
    },
  );
  if (result.error) fail(`npm could not be started: ${result.error.message}; is npm on the PATH?`);
  if (result.status !== 0) fail(`\`npm ci\` ended with ${result.status ?? result.signal}; its own message is above`);
  writeFileSync(STAMP, wanted);
  process.stderr.write(`installed in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

/** This Node when it is new enough, else the one from the `node` package. */
function node() {
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  const own = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (!existsSync(own))
    fail(`Node 24 is not in node_modules; run \`npm rebuild node\`, or use a Node >= 24 (this is ${process.version})`);
  return own;
}

const [task, ...args] = process.argv.slice(2);
const command = TASKS[task ?? ""];
if (command === undefined) fail(`there is no task \`${task ?? ""}\`; tasks: ${Object.keys(TASKS).join(", ")}`);

install();
const binary = node();
const env = {
  ...process.env,
  PATH: [dirname(binary), join(root, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter),
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, "node_modules", ".cache", "compile"),
};
mkdirSync(env.NODE_COMPILE_CACHE, { recursive: true });

const { build, isStale } = await import("./build.mjs");
if (task !== "check" && isStale()) await build();

// `npm start` is a person's terminal: the server gets the signals and its exit code is ours.
const result = spawnSync(binary, [join(root, command[0]), ...command.slice(1), ...args], {
  stdio: "inherit",
  env,
  cwd: task === "start" ? (process.env.INIT_CWD ?? root) : root,
});
if (result.error) fail(result.error.message);
if (result.signal) process.kill(process.pid, result.signal);
process.exit(result.status ?? 1);
