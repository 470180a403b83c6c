import type * as z from "zod";
import { type DataInput as DataInputSchema, DataType, type JobInput, type JobOutput } from "../../../contract/jobs.ts";
import { isLiteral } from "../../../contract/names.ts";
import type { StepInput } from "../../../contract/pipelines.ts";
import type { Problem } from "../../jobs/problems.ts";
import type { BoundInput } from "../document.ts";
import { type Port, portType } from "./components.ts";
import { boundPath, fill, type Later, type Scope, textOf } from "./scope.ts";

/** What an input of a step is: known now, known when another step has ended, or (of a nested pipeline that is only checked) not known. */
export type Planned = { readonly known: JobInput } | { readonly bound: BoundInput } | Later;

/** Inputs that come from the items of a loop; any, where the items are not known yet. */
export interface FromItems {
  readonly names: readonly string[] | undefined;
}

export interface InputsOf {
  readonly given: Readonly<Record<string, StepInput>>;
  /** Absent: a step without a component, whose inputs are what it says. */
  readonly ports?: Readonly<Record<string, Port>> | undefined;
  readonly fromItems?: FromItems | undefined;
  /** Inputs that the component does not have are dropped, not refused: Azure does so with nested pipelines. */
  readonly lenient?: boolean;
}

export function planStepInputs(of: InputsOf, scope: Scope, say: (problem: Problem) => void): Record<string, Planned> {
  const planned: Record<string, Planned> = {};
  const { fromItems } = of;
  const later = (name: string): boolean =>
    fromItems !== undefined && (fromItems.names === undefined || fromItems.names.includes(name));
  const extra = of.ports === undefined ? (fromItems?.names ?? []) : [];
  for (const name of new Set([...Object.keys(of.ports ?? {}), ...Object.keys(of.given), ...extra])) {
    const port = of.ports?.[name];
    const field = `inputs.${name}`;
    if (of.ports !== undefined && port === undefined && !isGrouped(name, of.ports)) {
      if (of.lenient !== true)
        say({ field, message: `the component has no input \`${name}\``, hint: hintOf(of.ports) });
      continue;
    }
    const made = planInput(of.given[name], port, scope, (problem) => say({ ...problem, field }));
    const type = portType(port);
    if (made !== undefined) planned[name] = made;
    else if (later(name)) planned[name] = { later: true, ...(type === undefined ? {} : { type }) };
    else if (port !== undefined) {
      const absent = withoutValue(port);
      if (absent === undefined)
        say({ field, message: `required input \`${name}\` is not given`, hint: typeHint(port) });
      // What uses it is not wrong, too.
      planned[name] = absent === undefined ? { later: true } : { known: absent };
    } else planned[name] = { known: { type: "string" } };
  }
  return planned;
}

const hintOf = (ports: Readonly<Record<string, Port>>): string =>
  `its inputs are ${Object.keys(ports)
    .map((name) => `\`${name}\``)
    .join(", ")}`;
const typeHint = (port: Port): string => `it is of type \`${portType(port) ?? "uri_folder"}\``;

/** `g.x` of a group `g`. */
function isGrouped(name: string, ports: Readonly<Record<string, Port>>): boolean {
  return Object.keys(ports).some((known) => name.startsWith(`${known}.`) || known.startsWith(`${name}.`));
}

/** Undefined: no value is given. */
function planInput(
  raw: StepInput | undefined,
  port: Port | undefined,
  scope: Scope,
  say: (problem: { readonly message: string; readonly hint?: string }) => void,
): Planned | undefined {
  if (raw === undefined) return undefined;
  const path = boundPath(typeof raw === "string" ? raw : textOf(raw));
  const data = typeof raw === "object" && "path" in raw ? raw : undefined;
  const mode = data?.mode ?? port?.mode;
  const type = portType(port);
  if (path === undefined) return fromText(raw, port, scope, say);
  const [space, ...rest] = path;
  if (space === "jobs" && rest[1] === "outputs") {
    const wanted = data?.type ?? type;
    const bound = { step: rest[0] ?? "", output: rest.slice(2).join(".") };
    return {
      bound: { ...bound, ...(wanted === undefined ? {} : { type: wanted }), ...(mode === undefined ? {} : { mode }) },
    };
  }
  const name = rest.join(".");
  const source = space === "inputs" ? scope[name] : undefined;
  if (source === undefined) {
    const known = Object.keys(scope).map((word) => `\`${word}\``);
    say({
      message: `the pipeline has no ${space === "inputs" ? "input" : "value"} \`${name}\``,
      hint: `it has ${known.join(", ") || "no inputs"}`,
    });
    return { later: true };
  }
  if ("later" in source) return { later: true, ...(type === undefined ? {} : { type }) };
  if ("path" in source) {
    if (isLiteral(type)) say({ message: `it is of type \`${type}\`, but \`${name}\` is \`${source.type}\`` });
    return { known: { type: source.type, path: source.path, ...modeOf(mode ?? source.mode) } };
  }
  return source.value === undefined ? undefined : { known: literal(source.value, source.type, port, mode, say) };
}

function fromText(
  raw: StepInput,
  port: Port | undefined,
  scope: Scope,
  say: (problem: { readonly message: string }) => void,
): Planned | undefined {
  if (typeof raw === "string") return { known: literal(fill(raw, scope), "string", port, port?.mode, say) };
  if ("path" in raw) {
    const type = portType(port);
    if (isLiteral(type)) say({ message: `it is of type \`${type}\`, not \`${raw.type}\`` });
    return { known: { ...raw, path: fill(raw.path, scope), ...modeOf(raw.mode ?? port?.mode) } };
  }
  return raw.value === undefined
    ? undefined
    : { known: literal(fill(raw.value, scope), raw.type, port, port?.mode, say) };
}

/** A text as the port takes it: a path, where files are wanted. */
function literal(
  value: string,
  ownType: string,
  port: Port | undefined,
  mode: string | undefined,
  say: (problem: { readonly message: string }) => void,
): JobInput {
  const type = portType(port) ?? ownType;
  if (!isLiteral(type)) {
    const known = DataType.safeParse(type);
    return { type: known.success ? known.data : "uri_folder", path: value, ...modeOf(mode) };
  }
  if (!isOf(type, value)) say({ message: `it is of type \`${type}\`, not \`${value.slice(0, 100)}\`` });
  const allowed = port?.enum?.map(literalText);
  if (allowed !== undefined && !allowed.includes(value))
    say({ message: `it is one of ${allowed.map((word) => `\`${word}\``).join(", ")}, not \`${value.slice(0, 100)}\`` });
  return { type, value };
}

function isOf(type: string, value: string): boolean {
  if (value.includes("${{")) return true;
  if (type === "boolean") return /^(?:true|false|0|1)$/i.test(value.trim());
  if (type === "string") return true;
  const number = Number(value.replaceAll("_", ""));
  return value.trim() !== "" && !Number.isNaN(number) && (type === "number" || Number.isInteger(number));
}

/** What an input is that nobody gave: its default, or nothing where it is optional. */
export function withoutValue(port: Port): JobInput | undefined {
  if (port.default !== undefined && port.default !== null) {
    return literal(literalText(port.default), "string", port, port.mode, () => undefined);
  }
  if (String(port.optional).toLowerCase() !== "true") return undefined;
  const type = portType(port);
  return { type: isLiteral(type) ? type : "string" };
}

/** As Python prints it. */
export function literalText(value: string | number | boolean): string {
  return typeof value === "boolean" ? (value ? "True" : "False") : String(value);
}

type Mode = NonNullable<z.infer<typeof DataInputSchema>["mode"]>;

function modeOf(mode: string | undefined): { readonly mode?: Mode } {
  return mode === undefined ? {} : { mode: mode as Mode };
}

/** An output of a step, and the output of the pipeline that it is. */
export interface PlannedStepOutput {
  readonly output: JobOutput;
  readonly result?: string;
}

export function planStepOutputs(
  given: Readonly<Record<string, string | JobOutput>>,
  ports: Readonly<Record<string, Port | null>> | undefined,
  pipeline: { readonly outputs: Readonly<Record<string, JobOutput>>; readonly scope: Scope },
  say: (problem: Problem) => void,
): Record<string, PlannedStepOutput> {
  const planned: Record<string, PlannedStepOutput> = {};
  for (const name of new Set([...Object.keys(ports ?? {}), ...Object.keys(given)])) {
    const field = `outputs.${name}`;
    const raw = given[name];
    if (ports !== undefined && !Object.hasOwn(ports, name)) {
      if (name !== "artifacts") say({ field, message: `the component has no output \`${name}\`` });
      continue;
    }
    const port = ports?.[name];
    const type = portType(port);
    const own = typeof raw === "object" ? raw : {};
    const base = { ...(type === undefined ? {} : { type }), ...(port?.mode === undefined ? {} : { mode: port.mode }) };
    const path = boundPath(typeof raw === "string" ? raw : own.path);
    if (path === undefined) {
      const filled = own.path === undefined ? {} : { path: fill(own.path, pipeline.scope) };
      planned[name] = { output: { ...base, ...own, ...filled } as JobOutput };
      continue;
    }
    const result = path.slice(1).join(".");
    const target = path[0] === "outputs" ? pipeline.outputs[result] : undefined;
    if (target === undefined) {
      say({ field, message: `the pipeline has no output \`${result}\`` });
      continue;
    }
    // It takes the pipeline's output's type and place; only the pipeline registers it.
    const { path: _binding, ...rest } = own;
    const { type: wanted, path: place, mode } = target;
    planned[name] = {
      result,
      output: {
        ...base,
        ...rest,
        ...(wanted === undefined ? {} : { type: wanted }),
        ...(mode === undefined || rest.mode !== undefined ? {} : { mode }),
        ...(place === undefined ? {} : { path: place }),
      } as JobOutput,
    };
  }
  return planned;
}
