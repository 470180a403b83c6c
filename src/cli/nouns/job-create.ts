import { randomBytes } from "node:crypto";
import { jobs } from "../../client/routes.ts";
import type { CreateJob, Job, JobSpec } from "../../contract/jobs.ts";
import { command, flag } from "../command.ts";
import { ago, flags } from "../common-flags.ts";
import type { Ctx } from "../context.ts";
import { nothing, one, type Shown, text } from "../output/shown.ts";
import { bytesText } from "../progress.ts";
import { type TakenJob, takeInJob } from "../take-in.ts";
import { briefOf } from "./job-brief.ts";

export const create = command({
  brief: "Submit a job",
  flags: {
    file: flags.file(),
    name: flag.text("Name of the job and its run; default: the file's, or a new one", {
      short: "n",
      placeholder: "name",
    }),
    set: flags.set(),
    stream: flag.is("Follows the log until the job has ended; exit code 1 when it did not complete", { short: "s" }),
    web: flag.is("Shows where to look at it", { short: "e" }),
    strict: flag.is("Warnings of the home are errors"),
    forceRerun: flag.is("Runs every step of a pipeline, also those that ran before just as they are now"),
    dryRun: flag.is("Lists what would be uploaded; submits nothing"),
    saveAs: flag.text("Writes the job's state to this file, too", { short: "a", placeholder: "file" }),
    skipValidation: flag.is("Accepted for Azure scripts; no effect", { hidden: true }),
    noWait: flag.is("Accepted for Azure scripts; submitting never waits for the job", { hidden: true }),
  },
  run: async (ctx, given) => {
    const taken = await takeInJob(ctx, given.file, { set: given.set, name: given.name });
    if (given.dryRun) return listing(ctx, taken);
    const { client, workspace, address } = await ctx.link();
    const [uploaded, git] = await Promise.all([taken.upload(), taken.git()]);
    const spec = given.forceRerun ? forced(ctx, uploaded) : uploaded;
    for (const warning of taken.warnings) ctx.warn(warning);
    const body: CreateJob = {
      spec,
      ...(git === undefined ? {} : { git }),
      ...(taken.warnings.length === 0
        ? {}
        : { warnings: taken.warnings.slice(0, 100).map((warning) => warning.slice(0, 2000)) }),
      ...(given.strict ? { strict: true } : {}),
    };
    // A name of the caller's makes the request safe to repeat.
    const name = taken.name ?? randomBytes(16).toString("hex");
    const job = await client
      .call(jobs.put, { params: { workspace, name }, body, signal: ctx.io.signal })
      .catch((error: unknown) => Promise.reject(taken.placed(error)));
    for (const warning of job.warnings) if (!taken.warnings.includes(warning)) ctx.warn(warning);
    if (isFromBefore(job)) {
      ctx.warn(
        `job ${job.name} was submitted ${ago(job.created_at)} just as it is now, and is not run again; give it another name`,
      );
    }
    if (given.web) ctx.note(`${address.url}/w/${workspace}/jobs/${job.name}`);
    if (given.saveAs !== undefined) await save(ctx, given.saveAs, job);
    if (!given.stream) return one(job, briefOf);
    return follow(ctx, job);
  },
});

function forced(ctx: Ctx, spec: JobSpec): JobSpec {
  if (spec.type === "pipeline") return { ...spec, settings: { ...spec.settings, force_rerun: true } };
  ctx.warn("--force-rerun is about pipelines; other jobs run each time they are submitted");
  return spec;
}

/** How far this clock and the home's may be apart. */
const SKEW_MS = 10_000;

/** The answer to a name and a spec that the home knows already is the job that stands. */
function isFromBefore(job: Job): boolean {
  return Date.parse(job.created_at) < Date.now() - performance.now() - SKEW_MS;
}

/** With an answer to be read by a program, stdout is that answer's and the log goes to stderr. */
async function follow(ctx: Ctx, job: Job): Promise<Shown> {
  const { followJob } = await import("./job-stream.ts");
  const forProgram = ctx.forProgram;
  if (!forProgram) ctx.note(`job ${job.name}`);
  const ended = await followJob(ctx, job.name, forProgram ? ctx.io.stderr : ctx.io.stdout);
  const exit = ended.status === "Completed" ? 0 : 1;
  return forProgram ? one(ended, briefOf, exit) : nothing(exit);
}

async function save(ctx: Ctx, file: string, job: Job): Promise<void> {
  const [{ writeFileSync }, { resolve }, { yamlText }] = await Promise.all([
    import("node:fs"),
    import("node:path"),
    import("../output/yaml.ts"),
  ]);
  writeFileSync(resolve(ctx.io.cwd, file), yamlText(job));
}

/** What would travel, largest first. */
async function listing(ctx: Ctx, taken: TakenJob): Promise<Shown> {
  const uploads = await taken.uploads();
  for (const warning of taken.warnings) ctx.warn(warning);
  if (!ctx.human) return one({ uploads });
  const lines = uploads.flatMap((upload) => [
    `${upload.what}: ${upload.path}  (${upload.file_count} files, ${bytesText(upload.size_bytes)})\n`,
    ...upload.files.map((file) => `  ${bytesText(file.size_bytes).padStart(8)}  ${file.path}\n`),
  ]);
  return text(lines.length === 0 ? "nothing would be uploaded\n" : lines.join(""));
}

export const validate = command({
  brief: "Check a job file, and against the workspace where a home is running; submits nothing",
  flags: {
    file: flags.file(),
    set: flags.set(),
    name: flag.text("Name of the job", { short: "n", placeholder: "name" }),
  },
  run: async (ctx, given) => {
    const taken = await takeInJob(ctx, given.file, { set: given.set, name: given.name });
    const local = {
      valid: true,
      warnings: [...taken.warnings],
      errors: [] as { field: string; message: string; hint?: string | undefined }[],
    };
    const answer = await againstHome(ctx, taken);
    const result = {
      file: given.file,
      valid: answer?.valid ?? true,
      checked_against: answer === undefined ? "the file alone" : ctx.workspace(),
      warnings: [...local.warnings, ...(answer?.warnings ?? [])],
      errors: [...local.errors, ...(answer?.errors ?? [])],
    };
    return one(
      result,
      (it) => [
        ["File", it.file],
        ["Valid", it.valid ? "yes" : "no"],
        ["Checked against", it.checked_against],
        ...it.warnings.map((warning) => ["Warning", warning] as const),
        ...it.errors.map((error) => ["Error", `${error.field}: ${error.message}`] as const),
      ],
      result.valid ? 0 : 1,
    );
  },
});

/** Undefined where no home is known. Nothing is uploaded for a check: the code folder's place stays empty. */
async function againstHome(ctx: Ctx, taken: TakenJob) {
  const { isAppError } = await import("../../contract/errors.ts");
  try {
    const { client, workspace } = await ctx.link();
    return await client.call(jobs.validate, { params: { workspace }, body: { spec: taken.withoutUploads } });
  } catch (error) {
    if (isAppError(error) && error.code === "Unavailable") return undefined;
    throw error;
  }
}
