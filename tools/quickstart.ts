import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * `npm run quickstart`: train, track, register, serve and score, with the commands a person would type.
 * Each is printed before it runs. Exit code 0 only if the endpoint's prediction is the one the model itself made in the job.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const example = "examples/quickstart";
const dataDir = process.env.TRAINYARD_HOME ?? join(root, ".trainyard");
const yard = [process.execPath, join(root, "dist", "yard.mjs")] as const;
const started = performance.now();

function step(title: string): void {
  console.log(`\n== ${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}

/** Runs `yard …`, echoing the command; its stdout is shown, or captured when the program reads it. */
async function run(args: readonly string[], options: { capture?: boolean } = {}): Promise<string> {
  console.log(`$ yard ${args.map((arg) => (/^[\w./:@=,-]+$/.test(arg) ? arg : `'${arg}'`)).join(" ")}`);
  const child = spawn(yard[0], [yard[1], ...args], {
    cwd: root,
    env: { ...process.env, TRAINYARD_HOME: dataDir },
    stdio: ["ignore", options.capture ? "pipe" : "inherit", "inherit"],
  });
  let text = "";
  child.stdout?.on("data", (chunk) => (text += chunk));
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exit) => resolve(exit ?? 1));
  });
  if (code !== 0) throw new Error(`\`yard ${args.join(" ")}\` ended with exit code ${code}`);
  return text.trim();
}

async function json<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await run([...args, "--output", "json"], { capture: true })) as T;
}

/** The home that serves this data folder: one that runs already, or a new one that ends with the quickstart. */
async function openHome(): Promise<ChildProcess | undefined> {
  const running = await healthy();
  if (running !== undefined) {
    console.log(`trainyard is running already at ${running}`);
    return undefined;
  }
  for (const port of [undefined, "0"]) {
    const child = await up(port);
    if (child !== undefined) return child;
  }
  throw new Error("the home did not start; the message is above");
}

async function healthy(): Promise<string | undefined> {
  try {
    const { url } = JSON.parse(readFileSync(join(dataDir, "server.json"), "utf8")) as { url: string };
    const response = await fetch(`${url}/api/v1/health`, { signal: AbortSignal.timeout(2000) });
    return response.ok ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Starts `yard up` and waits for its ready line; undefined if it ended first (port taken: the next try takes a free one). */
function up(port: string | undefined): Promise<ChildProcess | undefined> {
  const args = ["up", "--data-dir", dataDir, ...(port === undefined ? [] : ["--port", port])];
  console.log(`$ yard ${args.join(" ")} &`);
  const child = spawn(yard[0], [yard[1], ...args], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      const line = /^.*ready.*$/m.exec(text);
      if (line === null) return;
      console.log(line[0]);
      child.stdout.removeAllListeners("data").resume();
      resolve(child);
    });
    child.on("error", reject);
    child.on("exit", () => resolve(undefined));
  });
}

async function stop(home: ChildProcess): Promise<void> {
  if (home.exitCode !== null) return;
  const ended = new Promise((resolve) => home.once("exit", resolve));
  home.kill("SIGTERM");
  await ended;
}

async function quickstart(): Promise<void> {
  step("train: a job runs examples/quickstart/src on this machine");
  const job = await json<{ name: string }>(["job", "create", "--file", `${example}/job.yml`]);
  await run(["job", "stream", "--name", job.name]);

  step("look: the run's metrics");
  const run_ = await json<{
    metrics: Record<string, number>;
    outputs: Record<string, { asset?: string }>;
    services: Record<string, { endpoint: string }>;
  }>(["job", "show", "--name", job.name]);
  for (const [key, value] of Object.entries(run_.metrics).sort()) {
    if (!key.startsWith("system/")) console.log(`  ${key.padEnd(28)} ${Number(value).toFixed(4)}`);
  }
  const model = await json<{ name: string; version: string }>([
    "model",
    "show",
    "--name",
    "wine-classifier",
    "--label",
    "latest",
  ]);
  console.log(`registered model: ${model.name} version ${model.version}`);

  step("serve: the newest version goes behind the endpoint");
  await json(["online-endpoint", "create", "--file", `${example}/endpoint.yml`]);
  await json(["online-deployment", "create", "--file", `${example}/deployment.yml`, "--all-traffic"]);

  step("score: a plain HTTP request");
  const endpoint = await json<{ scoring_uri: string }>(["online-endpoint", "show", "--name", "wine"]);
  const keys = await json<{ primaryKey: string }>(["online-endpoint", "get-credentials", "--name", "wine"]);
  const folder = await mkdtemp(join(tmpdir(), "trainyard-quickstart-"));
  try {
    await run(["job", "download", "--name", job.name, "--output-name", "sample", "--download-path", folder], {
      capture: true,
    });
    const file = (name: string) => {
      const path = [
        join(folder, name),
        join(folder, "named-outputs", "sample", name),
        join(folder, "sample", name),
      ].find(existsSync);
      if (path === undefined) throw new Error(`the job's output \`sample\` holds no ${name}`);
      return readFileSync(path, "utf8");
    };
    console.log(
      `$ curl ${endpoint.scoring_uri} -H 'Authorization: Bearer KEY' -H 'Content-Type: application/json' -d @request.json`,
    );
    const response = await fetch(endpoint.scoring_uri, {
      method: "POST",
      headers: { authorization: `Bearer ${keys.primaryKey}`, "content-type": "application/json" },
      body: file("request.json"),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`scoring answered ${response.status}: ${answer}`);
    console.log(`prediction: ${answer.trim()}`);
    const expected = JSON.stringify(JSON.parse(file("expected.json")));
    if (JSON.stringify(JSON.parse(answer)) !== expected)
      throw new Error(`the model itself said ${expected} in the job`);
    console.log("the same as the model said in the job");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  const base = new URL(endpoint.scoring_uri).origin;
  console.log(`
Done in ${((performance.now() - started) / 1000).toFixed(1)} s. Everything is kept in ${dataDir}. \`npm start\` opens it again; then
  the run                npx --no yard job show --name ${job.name}
  all runs               npx --no yard job list
  MLflow address         ${base}/w/default   (MLFLOW_TRACKING_TOKEN: npx --no yard config mlflow)
  scoring address        ${endpoint.scoring_uri}
  the API's description  ${base}/api/v1/openapi.json`);
}

const home = await openHome();
try {
  await quickstart();
} catch (error) {
  console.error(`\nerror: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  if (home !== undefined) await stop(home);
}
