import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type CaseHome, content } from "./cases-home.ts";

/** What a `run` case expects of a pipeline. */
export interface PipelineExpectation {
  /** Of a component: a sentence that ends with `both steps Completed`. */
  readonly status?: string;
  readonly steps?: Readonly<Record<string, string>>;
  /** `b<c`: the first ended before the second began. */
  readonly order?: readonly string[];
  /** Text in a step's log; `ends with TEXT (remark)` is its end. */
  readonly step_stdout?: Readonly<Record<string, string>>;
  /** Step -> output -> file -> text, or names of files with `*`. */
  readonly step_outputs?: Readonly<Record<string, Readonly<Record<string, Files>>>>;
  /** Output -> names of files, or `non-empty`. */
  readonly pipeline_outputs?: Readonly<Record<string, readonly string[] | string>>;
  readonly location?: string;
  readonly note?: string;
}

type Files = Readonly<Record<string, string>> | readonly string[];

export const PIPELINE_KEYS = [
  "status",
  "steps",
  "order",
  "step_stdout",
  "step_outputs",
  "pipeline_outputs",
  "location",
  "note",
];

interface Step {
  readonly key: string;
  readonly status: string;
  readonly status_reason?: string;
  readonly job?: string;
  readonly started_at?: string;
  readonly ended_at?: string;
}

/** Submits a pipeline file, or a pipeline component by a job of its own; answers the job's name. */
export async function submitPipeline(home: CaseHome, file: string, isComponent: boolean): Promise<string> {
  if (!isComponent) return nameIn(await home.yard(["job", "create", "-f", file, "-o", "json"]));
  const { name, version } = JSON.parse(await home.yard(["component", "create", "-f", file, "-o", "json"])) as {
    name: string;
    version: string;
  };
  const job = join(dirname(file), ".case-job.yml");
  writeFileSync(job, `type: pipeline\ncomponent: azureml:${name}:${version}\n`);
  try {
    return nameIn(await home.yard(["job", "create", "-f", job, "-o", "json"]));
  } finally {
    rmSync(job);
  }
}

const nameIn = (text: string): string => (JSON.parse(text) as { name: string }).name;

/** What does not match, in words. */
export async function judgePipeline(
  home: CaseHome,
  name: string,
  expected: PipelineExpectation,
): Promise<readonly string[]> {
  const job = await read<{
    status: string;
    status_reason?: string;
    outputs: Record<string, { path: string }>;
  }>(home, `/jobs/${name}`);
  const { items } = await read<{ items: Step[] }>(home, `/jobs/${name}/steps`);
  const steps = new Map(items.map((step) => [step.key, step]));
  const wrong: string[] = [];
  const status = /\bCompleted$/.test(expected.status ?? "") ? "Completed" : expected.status;
  if (status !== undefined && job.status !== status) wrong.push(`status is ${job.status} (${job.status_reason})`);
  for (const [step, wanted] of Object.entries(expected.steps ?? {})) {
    if (steps.get(step)?.status !== wanted) wrong.push(`step ${step} is ${steps.get(step)?.status}, not ${wanted}`);
  }
  for (const order of expected.order ?? []) judgeOrder(steps, order.split("<"), wrong);
  for (const [step, text] of Object.entries(expected.step_stdout ?? {})) {
    const log = await home.yard(["job", "stream", "-n", steps.get(step)?.job ?? step]);
    if (!says(log, text)) wrong.push(`the log of ${step} lacks \`${text}\`: ${log.slice(-500)}`);
  }
  for (const [step, outputs] of Object.entries(expected.step_outputs ?? {})) {
    const made = await read<typeof job>(home, `/jobs/${steps.get(step)?.job}`);
    for (const [output, files] of Object.entries(outputs))
      wrong.push(...(await judgeFiles(home, `${step}.${output}`, made.outputs[output]?.path, files)));
    const own = `/${steps.get(step)?.job}/`;
    if (expected.location !== undefined && !Object.values(made.outputs).some(({ path }) => `${path}/`.includes(own)))
      wrong.push(`no output of ${step} lies at ${expected.location}`);
  }
  for (const [output, files] of Object.entries(expected.pipeline_outputs ?? {}))
    wrong.push(...(await judgeFiles(home, output, job.outputs[output]?.path, files === "non-empty" ? ["*"] : files)));
  return wrong;
}

async function read<T>(home: CaseHome, path: string): Promise<T> {
  return (await (await home.get(`/api/v1/workspaces/default${path}`)).json()) as T;
}

function judgeOrder(steps: ReadonlyMap<string, Step>, names: readonly string[], wrong: string[]): void {
  for (const [i, after] of names.entries()) {
    const before = names[i - 1];
    if (before === undefined) continue;
    const [ended = "~", started = ""] = [steps.get(before)?.ended_at, steps.get(after)?.started_at];
    if (ended > started) wrong.push(`step ${before} ended at ${ended}, after ${after} began at ${started}`);
  }
}

function says(log: string, expected: string): boolean {
  const end = /^ends with (\S+)/.exec(expected)?.[1];
  if (end !== undefined) return log.trimEnd().endsWith(end);
  if (expected.startsWith("TF_CONFIG"))
    return ['"cluster"', '"worker"', '"index":0', '"index":1'].every((part) => log.includes(part));
  return log.includes(expected.replace(/ or similar.*$/, ""));
}

async function judgeFiles(
  home: CaseHome,
  what: string,
  uri: string | undefined,
  files: Files | string,
): Promise<readonly string[]> {
  if (uri === undefined) return [`there is no output \`${what}\``];
  const base = uri.replace(/\/$/, "");
  if (typeof files === "object" && !Array.isArray(files)) {
    const wrong: string[] = [];
    for (const [file, text] of Object.entries(files as Readonly<Record<string, string>>)) {
      const found = await content(home, `${base}/${file}`);
      if (found !== text) wrong.push(`${what}/${file} is ${JSON.stringify(found)}, not ${JSON.stringify(text)}`);
    }
    return wrong;
  }
  const listing = await read<{ items?: { path: string }[] }>(home, `/files?uri=${encodeURIComponent(uri)}`);
  const names = (listing.items ?? []).map(({ path }) => path);
  return [files].flat().flatMap((pattern) => {
    const regex = new RegExp(`^${String(pattern).replace(/[.]/g, "\\.").replace(/\*/g, ".*")}$`);
    return names.some((name) => regex.test(name))
      ? []
      : [`${what} has no file \`${pattern}\`, but ${names.join(", ") || "none"}`];
  });
}
