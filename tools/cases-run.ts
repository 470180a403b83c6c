import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CaseHome, content } from "./cases-home.ts";
import { judgePipeline, PIPELINE_KEYS, type PipelineExpectation, submitPipeline } from "./cases-pipelines.ts";
import { judgeSchedule, SCHEDULE_KEYS, type ScheduleExpectation } from "./cases-schedules.ts";
import { judgeSweep, SWEEP_KEYS, type SweepExpectation } from "./cases-sweeps.ts";

/** What a `run` case expects of a command job. Any other key fails the case: nothing passes unlooked at. */
interface RunExpectation extends PipelineExpectation, ScheduleExpectation, Pick<SweepExpectation, "sweep"> {
  readonly status?: string;
  readonly stdout_contains?: readonly string[];
  /** Output name -> file -> exact text. */
  readonly outputs?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Run artifact -> `N lines` or exact text. */
  readonly default_artifacts?: Readonly<Record<string, string>>;
  readonly mlflow?: {
    /** A number, to as many digits as it is written with, or a range `a<=x<b`. */
    readonly metrics?: Readonly<Record<string, number | string>>;
    readonly params?: Readonly<Record<string, string>>;
    readonly params_count?: number;
    readonly artifacts?: readonly string[];
    /** Name of a logged model, then remarks. */
    readonly model?: string;
  };
  readonly note?: string;
}

export interface RunCase {
  readonly path: string;
  readonly kind: string;
  readonly level: string;
  readonly needs: readonly string[];
  readonly expected: { readonly run?: RunExpectation; readonly resolve?: { readonly refs?: readonly string[] } };
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const yard = join(root, "dist", "yard.mjs");
const LOOKED_AT = ["status", "stdout_contains", "outputs", "default_artifacts", "mlflow", "note"];

const KINDS = ["job.command", "job.pipeline", "job.sweep", "component.pipeline", "schedule"];

/** Runs every case of a command job, a sweep, a pipeline or a schedule on a home of its own. Kinds that need more are counted as not run. */
export async function runJobCases(
  dir: string,
  cases: readonly RunCase[],
  print: (line: string) => void,
): Promise<{ passed: number; failed: number; notRun: number }> {
  const jobs = cases.filter((entry) => entry.level === "run" && KINDS.includes(entry.kind));
  const total = { passed: 0, failed: 0, notRun: cases.filter((entry) => entry.level === "run").length - jobs.length };
  if (jobs.length === 0) return total;
  const home = await openHome(dir);
  try {
    for (const entry of jobs) {
      const started = performance.now();
      let wrong: readonly string[];
      try {
        wrong = await runOne(home, dir, entry);
      } catch (error) {
        wrong = [(error as Error).message];
      }
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      total[wrong.length === 0 ? "passed" : "failed"]++;
      print(
        wrong.length === 0
          ? `ok   ${entry.path} (${seconds} s)`
          : `FAIL ${entry.path} (${seconds} s)\n     ${wrong.join("\n     ")}`,
      );
    }
  } finally {
    await home.close();
  }
  return total;
}

async function openHome(dir: string): Promise<CaseHome> {
  const folder = mkdtempSync(join(tmpdir(), "trainyard-cases-"));
  const map = join(dir, "fixtures", "urlmap.json");
  const env = { ...process.env, ...(existsSync(map) ? { TRAINYARD_URL_MAP: map } : {}) };
  const server: ChildProcess = spawn(process.execPath, [yard, "up", "--port", "0", "--data-dir", folder], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    let text = "";
    server.stdout?.on("data", (chunk) => {
      text += chunk;
      if (text.includes("ready")) resolve();
    });
    server.once("exit", (code) => reject(new Error(`the home ended with ${code} before it was ready`)));
  });
  const { url, token } = JSON.parse(readFileSync(join(folder, "server.json"), "utf8")) as {
    url: string;
    token: string;
  };
  const client = { ...process.env, TRAINYARD_URL: url, TRAINYARD_TOKEN: token, TRAINYARD_WORKSPACE: "default" };
  return {
    dir: folder,
    yard: (args) => execute([yard, ...args], client),
    get: (path) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } }),
    async close() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function execute(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve(out)
        : reject(new Error(`yard ${args.slice(1).join(" ")} ended with ${code}: ${err.trim()}\n${out.slice(-2000)}`)),
    );
  });
}

async function runOne(home: CaseHome, dir: string, entry: RunCase): Promise<readonly string[]> {
  const expected = entry.expected.run ?? {};
  const isPipeline = entry.kind.endsWith(".pipeline");
  const isSweep = entry.kind === "job.sweep";
  const isSchedule = entry.kind === "schedule";
  const known = isPipeline ? PIPELINE_KEYS : isSweep ? SWEEP_KEYS : isSchedule ? SCHEDULE_KEYS : LOOKED_AT;
  const unknown = Object.keys(expected).filter((key) => !known.includes(key));
  if (unknown.length > 0) return [`the manifest expects ${unknown.join(", ")}, which this runner cannot judge`];
  await register(home, dir, entry);
  if (isSchedule) return judgeSchedule(home, join(dir, entry.path), expected);
  if (isPipeline) {
    const name = await submitPipeline(home, join(dir, entry.path), entry.kind.startsWith("component."));
    // Exit code 1 is a pipeline that did not complete, which the case may expect.
    await home.yard(["job", "stream", "-n", name]).catch(() => "");
    return judgePipeline(home, name, expected);
  }
  const { name } = JSON.parse(await home.yard(["job", "create", "-f", join(dir, entry.path), "-o", "json"])) as {
    name: string;
  };
  let log = "";
  try {
    log = await home.yard(["job", "stream", "-n", name]);
  } catch (error) {
    log = (error as Error).message;
  }
  if (isSweep) return judgeSweep(home, name, expected);
  const job = (await (await home.get(`/api/v1/workspaces/default/jobs/${name}`)).json()) as JobFacts;
  const wrong: string[] = [];
  if (expected.status !== undefined && job.status !== expected.status) {
    wrong.push(
      `status is ${job.status} (${job.status_reason ?? "no reason"}), not ${expected.status}; log: ${log.slice(-1500)}`,
    );
  }
  for (const text of expected.stdout_contains ?? [])
    if (!log.includes(text)) wrong.push(`the log lacks \`${text}\`: ${log.slice(-500)}`);
  for (const [output, files] of Object.entries(expected.outputs ?? {})) {
    const uri = job.outputs[output]?.path;
    if (uri === undefined) wrong.push(`there is no output \`${output}\``);
    else
      for (const [file, text] of Object.entries(files))
        compare(wrong, `output ${output}/${file}`, await content(home, `${uri.replace(/\/$/, "")}/${file}`), text);
  }
  const artifacts = `azureml://jobs/${name}/outputs/artifacts/paths`;
  for (const [file, text] of Object.entries(expected.default_artifacts ?? {}))
    compare(wrong, `artifact ${file}`, await content(home, `${artifacts}/${file}`), text);
  if (expected.mlflow !== undefined) await judgeTracking(home, name, expected.mlflow, wrong);
  return wrong;
}

interface JobFacts {
  readonly status: string;
  readonly status_reason?: string;
  readonly experiment_id: string;
  readonly outputs: Readonly<Record<string, { readonly path: string }>>;
}

/** Data assets the case refers to: those its `needs` names with a file, and those some data file of the folder defines. */
async function register(home: CaseHome, dir: string, entry: RunCase): Promise<void> {
  for (const need of entry.needs) {
    // A pipeline component of the case itself is registered when it is run.
    if (entry.kind.startsWith("component.")) continue;
    const match = /register (\S+\.ya?ml)(?: \(same dir\))?(?: as (?:data asset )?`?([\w-]+)`?)?/.exec(need);
    if (match?.[1] === undefined) continue;
    const file = [join(dir, match[1]), join(dir, dirname(entry.path), match[1])].find(existsSync);
    if (file === undefined) throw new Error(`the case needs ${match[1]}, which is not there`);
    await home.yard(["data", "create", "-f", file, ...(match[2] === undefined ? [] : ["-n", match[2]])]);
  }
  for (const ref of entry.expected.resolve?.refs ?? []) {
    const name = /^azureml:([\w.-]+)(@latest|:[\w.-]+)$/.exec(ref)?.[1];
    if (name === undefined || (await home.get(`/api/v1/workspaces/default/data/${name}/versions`)).ok) continue;
    const file = readdirSync(dir, { recursive: true, encoding: "utf8" }).find(
      (path) =>
        /data.*\.ya?ml$/.test(path) &&
        new RegExp(`^name: ${name}\\s*$`, "m").test(readFileSync(join(dir, path), "utf8")),
    );
    if (file !== undefined) await home.yard(["data", "create", "-f", join(dir, file)]);
  }
}

function compare(wrong: string[], what: string, text: string | undefined, expected: string): void {
  if (text === undefined) {
    wrong.push(`${what} is not there`);
    return;
  }
  const lines = /^(\d+) lines$/.exec(expected)?.[1];
  if (lines !== undefined) {
    const count = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
    if (count !== Number(lines)) wrong.push(`${what} has ${count} lines, not ${lines}`);
  } else if (text !== expected)
    wrong.push(`${what} is ${JSON.stringify(text.slice(0, 200))}, not ${JSON.stringify(expected)}`);
}

async function judgeTracking(
  home: CaseHome,
  name: string,
  expected: NonNullable<RunExpectation["mlflow"]>,
  wrong: string[],
): Promise<void> {
  const { run } = (await (await home.get(`/w/default/api/2.0/mlflow/runs/get?run_id=${name}`)).json()) as {
    run: {
      info: { experiment_id: string };
      data: { metrics?: { key: string; value: number }[]; params?: { key: string; value: string }[] };
      outputs?: { model_outputs?: { model_id: string }[] };
    };
  };
  const metrics = new Map((run.data.metrics ?? []).map(({ key, value }) => [key, value]));
  for (const [key, wanted] of Object.entries(expected.metrics ?? {})) {
    const value = metrics.get(key);
    if (value === undefined || !holds(value, wanted)) wrong.push(`metric ${key} is ${value}, not ${wanted}`);
  }
  const params = new Map((run.data.params ?? []).map(({ key, value }) => [key, value]));
  for (const [key, wanted] of Object.entries(expected.params ?? {}))
    if (params.get(key) !== wanted) wrong.push(`param ${key} is ${params.get(key)}, not ${wanted}`);
  if (expected.params_count !== undefined && params.size !== expected.params_count)
    wrong.push(`there are ${params.size} params, not ${expected.params_count}`);
  const list = async (path: string) =>
    (
      (await (
        await home.get(`/w/default/api/2.0/mlflow/artifacts/list?run_id=${name}&path=${encodeURIComponent(path)}`)
      ).json()) as { files?: { path: string }[] }
    ).files ?? [];
  for (const path of expected.artifacts ?? []) {
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
    if (!(await list(folder)).some((file) => file.path === path)) wrong.push(`artifact ${path} is not there`);
  }
  if (expected.model !== undefined) {
    // MLflow 2 keeps a model among the run's artifacts, MLflow 3 beside it as a logged model.
    const model = expected.model.split(" ")[0] ?? "model";
    const inRun = (await list(model)).some((file) => file.path === `${model}/MLmodel`);
    if (!inRun && (run.outputs?.model_outputs ?? []).length === 0) wrong.push(`there is no model \`${model}\``);
  }
}

function holds(value: number, wanted: number | string): boolean {
  // A number is meant to the digits it is written with.
  if (typeof wanted === "number") return value.toFixed(String(wanted).split(".")[1]?.length ?? 0) === String(wanted);
  const range = /^(-?[\d.]+)(<=?)x(<=?)(-?[\d.]+)$/.exec(wanted);
  if (range === null) throw new Error(`the manifest's range \`${wanted}\` is not understood`);
  const [, low, from, to, high] = range;
  return (
    (from === "<=" ? value >= Number(low) : value > Number(low)) &&
    (to === "<=" ? value <= Number(high) : value < Number(high))
  );
}
