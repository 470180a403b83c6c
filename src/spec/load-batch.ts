import type { BatchDeploymentSpec, InvokeBatchEndpoint } from "../contract/batch-endpoints.ts";
import { AppError } from "../contract/errors.ts";
import { type Data, pick, record } from "./data.ts";
import { type LoadedFile, type LoadOptions, mustBeValid } from "./load.ts";
import { child, placeOfField, textOf } from "./nodes.ts";
import type { FileReader } from "./paths.ts";
import { parseRef } from "./refs.ts";
import { TakeIn } from "./take-in.ts";
import { type CheckedFile, checkFile } from "./validate.ts";

const PIPELINE = "component.pipeline";

type Made = Pick<LoadedFile<unknown>, "uploads"> & { readonly component: unknown };

/** Reads a batch deployment's file, and that of its component. Throws `InvalidSpec`, and `NotSupported` for deployments of models and of jobs. */
export function loadBatchDeployment(
  reader: FileReader,
  path: string,
  options: LoadOptions = {},
): LoadedFile<BatchDeploymentSpec> & { readonly endpoint: string | undefined } {
  const checked = checkFile(reader, path, { ...options, kind: "batch-deployment" });
  const { kind, value, root } = mustBeValid(checked);
  mustBePipeline(checked.file, value);
  const made = componentOf(reader, checked, value.component);
  const spec = { ...pick(value, ["description", "properties", "settings"]), ...tagsOf(value) };
  return {
    file: checked.file,
    kind,
    name: textOf(child(root, "name")),
    version: undefined,
    endpoint: textOf(child(root, "endpoint_name")),
    spec: { ...spec, type: "pipeline", component: made.component } as BatchDeploymentSpec,
    uploads: made.uploads,
    warnings: checked.findings.warnings,
    placeOf: (field) => placeOfField(root, field),
  };
}

/** Reads a file of inputs and outputs for an endpoint. Throws `InvalidSpec`. */
export function loadBatchInputs(
  reader: FileReader,
  path: string,
  options: LoadOptions = {},
): LoadedFile<Pick<InvokeBatchEndpoint, "inputs" | "outputs">> {
  const checked = checkFile(reader, path, { ...options, kind: "batch_invoke_inputs" });
  const { kind, value, root } = mustBeValid(checked);
  const take = new TakeIn(reader, checked);
  const taken = take.commandJob(pick(value, ["inputs", "outputs"]), checked.ctx.dir);
  mustBeValid(checked);
  return {
    file: checked.file,
    kind,
    name: undefined,
    version: undefined,
    spec: taken,
    uploads: take.uploads,
    warnings: checked.findings.warnings,
    placeOf: (field) => placeOfField(root, field),
  };
}

function mustBePipeline(file: string, value: Data): void {
  if (value.component !== undefined) return;
  const [what, hint] =
    value.job_definition === undefined
      ? [
          "it deploys a model, which batch endpoints here don't yet",
          "score with a parallel step in a pipeline component",
        ]
      : ["`job_definition` deploys a job", "write its pipeline as a component and name that in `component`"];
  throw new AppError("NotSupported", `\`${file}\`: ${what}; only deployments of pipeline components can be made`, {
    file,
    hint,
  });
}

/** A component's file travels whole, under its own name and version; a reference as it is. */
function componentOf(reader: FileReader, checked: CheckedFile, given: unknown): Made {
  const take = new TakeIn(reader, checked);
  const { dir } = checked.ctx;
  const held = typeof given === "string" ? fileOf(checked, given) : { kind: PIPELINE, value: record(given), dir };
  if (held === undefined) return { component: given, uploads: [] };
  const type = held.kind.slice(held.kind.indexOf(".") + 1);
  const component = take.any(PIPELINE, { type, ...held.value }, held.dir);
  mustBeValid(checked);
  return { component, uploads: take.uploads.map((upload) => ({ ...upload, at: ["component", ...upload.at] })) };
}

/** Its name need not be one that a file which is registered by itself must have. */
function fileOf({ ctx, root }: CheckedFile, given: string) {
  const parsed = parseRef(given);
  if (parsed.form !== "local" || root === undefined) return undefined;
  const around = { ...ctx, anonymous: true, bindings: false };
  const loaded = ctx.specs.load("component", parsed.path, root, "component", around);
  return loaded === undefined ? undefined : { kind: loaded.kind, value: record(loaded.value), dir: loaded.ctx.dir };
}

function tagsOf({ tags }: Data): Data {
  if (tags === undefined) return {};
  return { tags: Object.fromEntries(Object.entries(record(tags)).map(([key, each]) => [key, String(each ?? "")])) };
}
