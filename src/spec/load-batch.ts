import type { BatchDeploymentSpec, InvokeBatchEndpoint } from "../contract/batch-endpoints.ts";
import { AppError } from "../contract/errors.ts";
import { type Data, pick, record } from "./data.ts";
import { type LoadedFile, type LoadOptions, loadSpec, mustBeValid } from "./load.ts";
import { child, placeOfField, textOf } from "./nodes.ts";
import { type FileReader, resolvePath } from "./paths.ts";
import { parseRef } from "./refs.ts";
import { TakeIn, type Upload } from "./take-in.ts";
import { type CheckedFile, checkFile } from "./validate.ts";

type Made = Pick<LoadedFile<unknown>, "uploads" | "warnings"> & { readonly component: unknown };

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
    warnings: [...checked.findings.warnings, ...made.warnings],
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
  if (typeof given === "string") {
    const parsed = parseRef(given);
    if (parsed.form !== "local") return { component: given, uploads: [], warnings: [] };
    const { name, version, spec, uploads, warnings } = loadSpec(
      reader,
      resolvePath(checked.ctx.dir, parsed.path),
      "component",
    );
    const { spec: body, ...words } = record(spec);
    const own = { ...(name === undefined ? {} : { name }), ...(version === undefined ? {} : { version }) };
    return { component: { ...record(body), ...words, ...own }, uploads: below(uploads, 1), warnings };
  }
  const take = new TakeIn(reader, checked);
  const component = take.any("component.pipeline", { type: "pipeline", ...record(given) }, checked.ctx.dir);
  mustBeValid(checked);
  return { component, uploads: below(take.uploads, 0), warnings: [] };
}

/** Places of a component's uploads in the deployment, without the first `skip` parts of their own. */
function below(uploads: readonly Upload[], skip: number): readonly Upload[] {
  return uploads.map((upload) => ({ ...upload, at: ["component", ...upload.at.slice(skip)] }));
}

function tagsOf({ tags }: Data): Data {
  if (tags === undefined) return {};
  return { tags: Object.fromEntries(Object.entries(record(tags)).map(([key, each]) => [key, String(each ?? "")])) };
}
