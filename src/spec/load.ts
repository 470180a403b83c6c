import { AppError } from "../contract/errors.ts";
import type { JobSpec } from "../contract/jobs.ts";
import { type Data, record } from "./data.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { factsOf, type Kind } from "./kinds/table.ts";
import { child, type Place, placeOfField, type SpecNode, textOf } from "./nodes.ts";
import type { FileReader } from "./paths.ts";
import { TakeIn, type Upload } from "./take-in.ts";
import { type CheckedFile, checkFile, type ValidateOptions } from "./validate.ts";
import { toWire, type WireSpec } from "./wire.ts";
import { commandSpec, pipelineSpec, sweepSpec } from "./wire-jobs.ts";

export type LoadOptions = Omit<ValidateOptions, "kind" | "files">;

/** A spec ready to be sent once its uploads are stored: `spec` holds local paths at the places `uploads` name. */
export interface LoadedFile<Spec> {
  readonly file: string;
  readonly kind: Kind;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly spec: Spec;
  /** In the order found; the same folder may be named twice. */
  readonly uploads: readonly Upload[];
  readonly warnings: readonly Diagnostic[];
  /** Where in the file a field is, or what of the way to it is there: for what is found wrong later. */
  placeOf(field: string): Place | undefined;
}

/** Kinds of jobs that can be sent. */
const JOB_KINDS: Readonly<Partial<Record<Kind, (taken: Data) => JobSpec>>> = {
  "job.command": commandSpec,
  "job.pipeline": pipelineSpec,
  "job.sweep": sweepSpec,
};

const TAKEN: Readonly<Partial<Record<Kind, (take: TakeIn, value: Data, dir: string) => Data>>> = {
  "job.pipeline": (take, value, dir) => take.pipelineJob(value, dir),
  "job.sweep": (take, value, dir) => take.sweepJob(value, dir),
};

/**
 * Reads a job file and takes in what it names: conda files and component files become content, folders and data files become uploads.
 * Throws `InvalidSpec` with all errors in `details.errors`, `NotSupported` for kinds of jobs that cannot be sent.
 */
export function loadJob(reader: FileReader, path: string, options: LoadOptions = {}): LoadedFile<JobSpec> {
  const checked = checkFile(reader, path, { ...options, kind: "job" });
  const { kind, value } = mustBeValid(checked);
  const spec = JOB_KINDS[kind];
  if (spec === undefined) {
    throw new AppError(
      "NotSupported",
      `\`${checked.file}\` is ${factsOf(kind).noun}, which can be validated but not run here`,
      {
        file: checked.file,
        kind,
        hint: factsOf(kind).azureOnly ? "only Azure itself runs this kind of job" : "run its parts as command jobs",
      },
    );
  }
  const take = new TakeIn(reader, checked);
  const { dir } = checked.ctx;
  const taken = TAKEN[kind]?.(take, value, dir) ?? take.commandJob(value, dir);
  return finish(checked, kind, take, spec(taken));
}

/** A spec with its name, version and uploads, for every kind that can be created but jobs. `family` is the noun: `environment`, `online-deployment`. */
export function loadSpec(
  reader: FileReader,
  path: string,
  family: string,
  options: LoadOptions = {},
): LoadedFile<WireSpec> & { readonly endpoint: string | undefined } {
  const checked = checkFile(reader, path, { ...options, kind: family });
  const { kind, value } = mustBeValid(checked);
  const take = new TakeIn(reader, checked);
  const taken = take.any(kind, value, checked.ctx.dir);
  const wire = toWire(kind, taken);
  if (wire === undefined) {
    throw new AppError(
      "NotSupported",
      `\`${checked.file}\` is ${factsOf(kind).noun}, which can be validated but not created here`,
      {
        file: checked.file,
        kind,
        hint: factsOf(kind).azureOnly ? "this kind exists in Azure only" : "see docs/parity.md",
      },
    );
  }
  const endpoint = typeof taken.endpoint_name === "string" ? taken.endpoint_name : undefined;
  const loaded = finish(checked, kind, take, wire);
  if (!kind.startsWith("component.")) return { ...loaded, endpoint };
  // A component travels whole inside its body's `spec`, and so do the places of its uploads.
  return { ...loaded, endpoint, uploads: loaded.uploads.map((upload) => ({ ...upload, at: ["spec", ...upload.at] })) };
}

/** Throws InvalidSpec for a file with errors. */
export function mustBeValid(checked: CheckedFile): { kind: Kind; value: Data; root: SpecNode } {
  const { kind, root, findings, value } = checked;
  if (findings.errors.length > 0 || kind === undefined || root === undefined) throw invalid(checked);
  return { kind, root, value: record(value) };
}

function invalid(checked: CheckedFile): AppError {
  const { errors, warnings } = checked.findings;
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const where = first ? `${first.file}:${first.line}:${first.column}: ` : "";
  return new AppError("InvalidSpec", `${where}${first?.message ?? "the file is not valid"}${more}`, {
    file: checked.file,
    errors,
    warnings,
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
  });
}

function finish<Spec>(checked: CheckedFile, kind: Kind, take: TakeIn, spec: Spec): LoadedFile<Spec> {
  if (checked.findings.errors.length > 0) throw invalid(checked);
  const { file, root, findings } = checked;
  return {
    file,
    kind,
    name: textOf(child(root, "name")),
    version: textOf(child(root, "version")),
    spec,
    uploads: take.uploads,
    warnings: findings.warnings,
    placeOf: (field) => placeOfField(root, field),
  };
}

/** Puts stored addresses where the uploads were: `uris[i]` belongs to `uploads[i]`. Answers a copy. */
export function withUploads<Spec>(spec: Spec, uploads: readonly Upload[], uris: readonly string[]): Spec {
  const copy = structuredClone(spec);
  for (const [i, upload] of uploads.entries()) {
    const uri = uris[i];
    if (uri === undefined) throw new AppError("Internal", `upload of \`${upload.path}\` has no address`);
    let holder = record(copy);
    for (const key of upload.at.slice(0, -1)) holder = record(holder[key]);
    const last = upload.at.at(-1);
    if (last !== undefined) holder[last] = uri;
  }
  return copy;
}
