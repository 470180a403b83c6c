import { digestOf } from "../../jobs/digest.ts";
import type { JobRecord, Plan, PlannedInput, PlannedOutput } from "../../jobs/record.ts";
import { canonicalJson } from "../../records/canonical-json.ts";

/** Stands in every key; another number means that no earlier result is one's own. */
const KEY_VERSION = 1;

/** What is inside a step's data inputs, by input: texts that are equal where the contents are. */
export type Contents = Readonly<Record<string, string>>;

/** What is on record of a step's key: with the record, all that the key was made of; or why the step has none. */
export type ReuseNote =
  | {
      readonly key: string;
      readonly contents: Contents;
      /** Why it ran though an earlier job may have had the same key. */
      readonly ran?: string;
    }
  | { readonly off: string };

/** What a step's results follow from: `command`, `code`, `environment.python`, `inputs.data`, … in the order in which differences are told. */
export type KeyParts = Readonly<Record<string, string>>;

/** Undefined where the job runs no command. */
export function partsOf(step: Plan, contents: Contents): KeyParts | undefined {
  const { spec, environment, snapshot, inputs, outputs } = step;
  if (spec.type !== "command" || environment === undefined) return undefined;
  const { label: _label, ...made } = environment;
  const { distribution, resources, environment_variables: variables = {} } = spec;
  return {
    command: spec.command,
    code: snapshot ?? "none",
    ...textsOf("environment", made),
    ...textsOf("environment_variables", variables),
    ...Object.fromEntries(sorted(inputs).map(([name, input]) => [`inputs.${name}`, inputText(input, contents[name])])),
    ...Object.fromEntries(
      sorted(outputs).map(([name, output]) => [`outputs.${name}`, outputText(output, spec.outputs?.[name]?.path)]),
    ),
    ...(spec.parallel === undefined ? {} : textsOf("parallel", spec.parallel)),
    ...(distribution === undefined ? {} : { distribution: canonicalJson(distribution) }),
    ...textsOf("resources", { instance_count: resources?.instance_count ?? 1 }),
  };
}

export function keyOf(parts: KeyParts): Promise<string> {
  return digestOf({ v: KEY_VERSION, parts });
}

/** Why nobody can tell whether a step's results are still what it made; undefined where one can. */
export function unverifiable({ spec, outputs }: Plan): string | undefined {
  for (const [name, { mode }] of sorted(outputs)) {
    if (mode === "direct") return `the command writes output \`${name}\` to its place itself (mode direct)`;
    const place = spec.type === "command" ? spec.outputs?.[name]?.path : undefined;
    if (place !== undefined) return `output \`${name}\` has a place of its own, where others look for it`;
  }
  return undefined;
}

export interface Difference {
  readonly part: string;
  readonly before?: string;
  readonly after?: string;
}

/** In the order of the parts. */
export function differences(before: KeyParts, after: KeyParts): readonly Difference[] {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  return names
    .filter((part) => before[part] !== after[part])
    .map((part) => ({
      part,
      ...(before[part] === undefined ? {} : { before: before[part] }),
      ...(after[part] === undefined ? {} : { after: after[part] }),
    }));
}

/** The parts of a job's key, from its record. */
export function partsOfJob(job: JobRecord): KeyParts | undefined {
  return job.reuse === undefined || "off" in job.reuse ? undefined : partsOf(job, job.reuse.contents);
}

function textsOf(prefix: string, values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    sorted(values).map(([name, value]) => [
      `${prefix}.${name}`,
      typeof value === "string" ? value : canonicalJson(value),
    ]),
  );
}

/** A command that is given an address can tell addresses apart; one that is given files can't. */
function inputText({ type, uri, value, mode }: PlannedInput, contents: string | undefined): string {
  if (uri === undefined) return value === undefined ? `${type}, not given` : `${type} ${value}`;
  const what = `${type} ${contents ?? "unknown"}`;
  return mode === "direct" ? `${what} at ${uri}` : what;
}

function outputText({ type, name, version }: PlannedOutput, place: string | undefined): string {
  const asset = name === undefined ? "" : `, registered as ${name}${version === undefined ? "" : `:${version}`}`;
  return `${type}${place === undefined ? "" : ` at ${place}`}${asset}`;
}

function sorted<T>(values: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
}
