import { AppError } from "../contract/errors.ts";
import { overrideJob } from "../contract/job-overrides.ts";
import type { ScheduleSpec } from "../contract/schedules.ts";
import { type Data, pick, record } from "./data.ts";
import { type LoadedFile, type LoadOptions, loadJob, mustBeValid } from "./load.ts";
import { child, placeOfField, textOf } from "./nodes.ts";
import { type FileReader, resolvePath } from "./paths.ts";
import { parseRef } from "./refs.ts";
import { TakeIn, type Upload } from "./take-in.ts";
import { checkFile } from "./validate.ts";
import { commandSpec, pipelineSpec } from "./wire-jobs.ts";

const WORDS = ["display_name", "description", "properties", "trigger", "missed_runs"];

type Made = Pick<LoadedFile<Data>, "spec" | "uploads" | "warnings">;

/** Reads a schedule's file, and the job's that it names. Throws `InvalidSpec`, and `NotSupported` for what only Azure's schedules do. */
export function loadSchedule(reader: FileReader, path: string, options: LoadOptions = {}): LoadedFile<ScheduleSpec> {
  const checked = checkFile(reader, path, { ...options, kind: "schedule" });
  const { kind, value, root } = mustBeValid(checked);
  for (const [field, noun] of [
    ["create_monitor", "monitors"],
    ["import_data", "data imports"],
  ] as const) {
    if (value[field] === undefined) continue;
    throw new AppError("NotSupported", `\`${checked.file}\`: ${noun} (\`${field}\`) exist in Azure only`, {
      file: checked.file,
      hint: "`create_job` runs a job that does it; `refresh_data` makes versions of data whose files change",
    });
  }
  const take = new TakeIn(reader, checked);
  const job = value.create_job === undefined ? undefined : jobOf(reader, take, value.create_job, checked.ctx.dir);
  const spec: Data = {
    ...pick(value, WORDS),
    ...(value.tags === undefined ? {} : { tags: texts(record(value.tags)) }),
    ...(typeof value.is_enabled === "boolean" ? { is_enabled: value.is_enabled } : {}),
    ...(job === undefined ? {} : { create_job: job.spec }),
    ...(value.refresh_data === undefined ? {} : { refresh_data: { name: assetName(String(value.refresh_data)) } }),
  };
  return {
    file: checked.file,
    kind,
    name: textOf(child(root, "name")),
    version: undefined,
    spec: spec as unknown as ScheduleSpec,
    uploads: job?.uploads ?? [],
    warnings: [...checked.findings.warnings, ...(job?.warnings ?? [])],
    placeOf: (field) => placeOfField(root, field),
  };
}

/** A job's file is taken in, a job of the workspace is named; with what is said anew, whose uploads take the place of those it replaces. */
function jobOf(reader: FileReader, take: TakeIn, given: unknown, dir: string): Made {
  const fields = typeof given === "string" ? { job: given } : record(given);
  if (fields.job === undefined) {
    const isPipeline = fields.jobs !== undefined;
    const spec = isPipeline ? pipelineSpec(take.pipelineJob(fields, dir)) : commandSpec(take.commandJob(fields, dir));
    return { spec: { spec }, uploads: below(["create_job", "spec"], take.uploads), warnings: [] };
  }
  const { job, type: _type, ...said } = fields;
  const overrides = take.commandJob(said, dir);
  const name = String(job);
  const parsed = parseRef(name);
  const isFile = parsed.form === "local" && /[/\\]|\.ya?ml$/i.test(parsed.path);
  if (!isFile) {
    const spec = { job: name, ...(Object.keys(overrides).length === 0 ? {} : { overrides }) };
    return { spec, uploads: below(["create_job", "overrides"], take.uploads), warnings: [] };
  }
  const loaded = loadJob(reader, resolvePath(dir, parsed.path));
  const kept = loaded.uploads.filter(({ at: [part = "", key = ""] }) => {
    const replaced = overrides[part];
    return replaced === undefined || (key !== "" && typeof replaced === "object" && !(key in record(replaced)));
  });
  const spec = overrideJob(loaded.spec as unknown as Data, overrides);
  return {
    spec: { spec },
    uploads: below(["create_job", "spec"], [...kept, ...take.uploads]),
    warnings: loaded.warnings,
  };
}

function below(prefix: readonly string[], uploads: readonly Upload[]): readonly Upload[] {
  return uploads.map((upload) => ({ ...upload, at: [...prefix, ...upload.at] }));
}

function texts(tags: Data): Data {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, String(value ?? "")]));
}

/** `azureml:NAME` or NAME. */
function assetName(reference: string): string {
  return reference.replace(/^azureml:/, "").replace(/[:@].*$/, "");
}
