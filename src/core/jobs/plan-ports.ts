import { renderKnown } from "../../contract/expressions.ts";
import type { CommandJobSpec, JobInput, JobOutput } from "../../contract/jobs.ts";
import { isLiteral } from "../../contract/names.ts";
import type { Files } from "../files/ports.ts";
import { check, type Findings } from "./problems.ts";
import type { PlannedInput, PlannedOutput } from "./record.ts";

export const DEFAULT_DATASTORE = "workspaceblobstore";

interface Deps {
  readonly files: Files;
}

/** Resolves every input: references are pinned to versions now, so that a label that moves later changes nothing. */
export async function planInputs(
  deps: Deps,
  workspace: string,
  spec: Pick<CommandJobSpec, "inputs">,
  findings: Findings,
): Promise<Record<string, PlannedInput>> {
  const planned = await Promise.all(
    Object.entries(spec.inputs ?? {}).map(async ([name, input]) => {
      const made = await check(findings, `inputs.${name}`, () => planInput(deps, workspace, name, input, findings));
      return made === undefined ? [] : [[name, made] as const];
    }),
  );
  return Object.fromEntries(planned.flat());
}

async function planInput(
  deps: Deps,
  workspace: string,
  name: string,
  input: JobInput,
  findings: Findings,
): Promise<PlannedInput> {
  if (!("path" in input)) return { type: input.type, ...(input.value === undefined ? {} : { value: input.value }) };
  const kind = input.type.endsWith("_model") ? "model" : "data";
  const found = await deps.files.resolve(workspace, input.path, kind);
  if (input.mode === "rw_mount") {
    findings.warnings.push(
      `input \`${name}\`: mode \`rw_mount\` gives the job a copy of its own; what it writes there is not kept`,
    );
  }
  return {
    type: input.type,
    uri: found.uri,
    written: input.path,
    mode: inputMode(input.mode),
    ...(found.asset === undefined ? {} : { asset: found.asset }),
    ...(input.type === "uri_file" ? { is_file: true } : {}),
  };
}

function inputMode(mode: string | undefined): "mount" | "download" | "direct" {
  if (mode === "direct") return "direct";
  return mode === "download" || mode === "eval_download" || mode === "rw_mount" ? "download" : "mount";
}

/** A value that nobody brings back from its place is no value. */
function outputMode(mode: string | undefined, isValue: boolean): "mount" | "upload" | "direct" {
  if (isValue) return "upload";
  return mode === "upload" || mode === "direct" ? mode : "mount";
}

/** Gives every output its place. `${{name}}`, `${{output_name}}` and `${{default_datastore}}` are filled here. */
export async function planOutputs(
  deps: Deps,
  workspace: string,
  job: string,
  spec: Pick<CommandJobSpec, "outputs">,
  findings: Findings,
): Promise<Record<string, PlannedOutput>> {
  const planned = await Promise.all(
    Object.entries(spec.outputs ?? {}).map(async ([name, output]) => {
      const field = output.path === undefined ? `outputs.${name}` : `outputs.${name}.path`;
      const made = await check(findings, field, () => planOutput(deps, workspace, job, name, output, findings));
      return made === undefined ? [] : [[name, made] as const];
    }),
  );
  return Object.fromEntries(planned.flat());
}

async function planOutput(
  deps: Deps,
  workspace: string,
  job: string,
  name: string,
  output: JobOutput,
  findings: Findings,
): Promise<PlannedOutput> {
  const type = output.type ?? "uri_folder";
  const isValue = isLiteral(type);
  const isFile = type === "uri_file" || isValue;
  const place = `azureml://datastores/${DEFAULT_DATASTORE}/paths/azureml/${job}/${name}`;
  const written = output.path ?? (isFile ? place : `${place}/`);
  const names = { name: job, output_name: name, default_datastore: DEFAULT_DATASTORE };
  const filled = renderKnown(written, { names });
  if (filled.includes("${{")) {
    findings.problems.push({
      field: `outputs.${name}.path`,
      message: `\`${written}\` has an expression that is not known here`,
      hint: "outputs know `${{name}}`, `${{output_name}}` and `${{default_datastore}}`",
    });
  }
  if (output.version !== undefined && output.name === undefined) {
    findings.warnings.push(`output \`${name}\`: \`version\` means nothing without \`name\``);
  }
  if (isValue && output.name !== undefined) {
    findings.problems.push({
      field: `outputs.${name}.name`,
      message: `output \`${name}\` is a ${type}, which is no asset`,
      hint: "leave `name` out, or make it a `uri_file`",
    });
  }
  const uri = output.path === undefined ? filled : (await deps.files.resolve(workspace, filled, "file")).uri;
  return {
    type,
    uri,
    mode: outputMode(output.mode, isValue),
    is_file: isFile,
    ...(output.name === undefined ? {} : { name: output.name }),
    ...(output.version === undefined ? {} : { version: output.version }),
    ...(output.tags === undefined ? {} : { tags: output.tags }),
    ...(output.description === undefined ? {} : { description: output.description }),
  };
}
