import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import type * as z from "zod";
import type { TreeSource } from "../client/trees.ts";
import type { ComponentSpec, DataSpec, EnvironmentAssetSpec, ModelSpec } from "../contract/assets.ts";
import type { BatchEndpointSpec } from "../contract/batch-endpoints.ts";
import type { ComputeSpec } from "../contract/computes.ts";
import type { DatastoreSpec } from "../contract/datastores.ts";
import type { OnlineDeploymentSpec, OnlineEndpointSpec } from "../contract/endpoints.ts";
import { AppError, isAppError } from "../contract/errors.ts";
import type { GitState, JobSpec } from "../contract/jobs.ts";
import type { ScheduleSpec } from "../contract/schedules.ts";
import type { LoadedFile } from "../spec/load.ts";
import type { Place } from "../spec/nodes.ts";
import type { Upload } from "../spec/take-in.ts";
import type { Ctx } from "./context.ts";
import { makeFileReader } from "./file-reader.ts";
import { findDataDir } from "./find-address.ts";
import { placeText } from "./output/error.ts";
import { bytesText } from "./progress.ts";
import { openHashCache } from "./snapshot/hash-cache.ts";
import { type Snapshot, takeSnapshot } from "./snapshot/take.ts";

interface Given {
  readonly set?: readonly string[];
  readonly name?: string | undefined;
}

/** One folder or file that travels with a spec. */
export interface UploadListing {
  readonly what: string;
  readonly path: string;
  readonly file_count: number;
  readonly size_bytes: number;
  readonly files: readonly { readonly path: string; readonly size_bytes: number }[];
}

export interface TakenJob {
  readonly name: string | undefined;
  /** Grows while snapshots are taken. */
  readonly warnings: string[];
  /** Asked for while the snapshots are taken. */
  git(): Promise<GitState | undefined>;
  /** For a check: stands by itself, but what would be uploaded is missing. */
  readonly withoutUploads: JobSpec;
  /** Stores what is local and answers the spec that names it. */
  upload(): Promise<JobSpec>;
  uploads(): Promise<UploadListing[]>;
  /** An error of the home's, with the places of its fields in the file. */
  placed(error: unknown): unknown;
}

/** Reads a job file, and the working copy it stands in. */
export async function takeInJob(ctx: Ctx, file: string, given: Given): Promise<TakenJob> {
  const { loadJob, withUploads } = await import("../spec/load.ts");
  const loaded = loadJob(makeFileReader(ctx.io.cwd), file, { set: given.set ?? [] });
  const spec: JobSpec = { ...loaded.spec, experiment_name: loaded.spec.experiment_name ?? folderName(ctx.io.cwd) };
  const warnings = loaded.warnings.map((warning) => placeText(warning));
  const code = loaded.uploads.find((upload) => upload.at.length === 1 && upload.at[0] === "code");
  const folder = code === undefined ? dirname(resolve(ctx.io.cwd, file)) : resolve(ctx.io.cwd, code.path);
  const asking = import("./snapshot/git.ts").then(({ gitState }) => gitState(folder));
  const shots = memo(() => snapshotsOf(ctx, loaded.uploads, warnings));
  return {
    name: given.name ?? loaded.name,
    warnings,
    git: () => asking,
    get withoutUploads() {
      const stand = loaded.uploads.map(() => "azureml://datastores/workspaceblobstore/paths/");
      return withoutCode(withUploads(spec, loaded.uploads, stand), loaded.uploads);
    },
    upload: async () => withUploads(spec, loaded.uploads, await store(ctx, loaded.uploads, await shots())),
    uploads: async () => listingOf(loaded.uploads, await shots()),
    placed: (error) => withPlaces(error, loaded.placeOf),
  };
}

function withPlaces(error: unknown, placeOf: (field: string) => Place | undefined): unknown {
  if (!isAppError(error) || !Array.isArray(error.details.errors)) return error;
  const errors = (error.details.errors as readonly { readonly field?: string }[]).map((each) => ({
    ...(each.field === undefined ? {} : placeOf(each.field)),
    ...each,
  }));
  const [first] = errors;
  const at = first === undefined || !("line" in first) ? "" : `${first.file}:${first.line}:${first.column}: `;
  return new AppError(error.code, `${at}${error.message}`, { ...error.details, errors });
}

/** Code that is not stored yet has no address that would pass a check. */
function withoutCode(spec: JobSpec, uploads: readonly Upload[]): JobSpec {
  const copy = structuredClone(spec);
  for (const { at, use } of uploads) {
    if (use !== "code") continue;
    let holder = copy as unknown as Record<string, unknown>;
    for (const key of at.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
    delete holder[at.at(-1) ?? ""];
  }
  return copy;
}

/** Bodies of the calls that create things. */
interface Bodies {
  readonly environment: z.infer<typeof EnvironmentAssetSpec>;
  readonly data: z.infer<typeof DataSpec>;
  readonly model: z.infer<typeof ModelSpec>;
  readonly component: z.infer<typeof ComponentSpec>;
  readonly datastore: DatastoreSpec;
  readonly compute: ComputeSpec;
  readonly "batch-endpoint": BatchEndpointSpec;
  readonly "online-endpoint": OnlineEndpointSpec;
  readonly "online-deployment": OnlineDeploymentSpec;
}

export interface Taken<Spec> {
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** Of deployments: the endpoint the file names. */
  readonly endpoint: string | undefined;
  readonly spec: Spec;
}

/** Reads a spec file of the noun's kind, stores what is local, and answers the body of its call. */
export async function takeInSpec<Family extends keyof Bodies>(
  ctx: Ctx,
  family: Family,
  file: string,
  given: Given & { readonly version?: string | undefined },
): Promise<Taken<Bodies[Family]>> {
  const { loadSpec } = await import("../spec/load.ts");
  const loaded = loadSpec(makeFileReader(ctx.io.cwd), file, family, { set: given.set ?? [] });
  return {
    name: given.name ?? loaded.name,
    version: given.version ?? loaded.version,
    endpoint: loaded.endpoint,
    spec: (await storeUploads(ctx, loaded)) as Bodies[Family],
  };
}

/** Stores what is local of a file that was read, says its warnings, and answers its spec with the addresses. */
export async function storeUploads<Spec>(
  ctx: Ctx,
  loaded: Pick<LoadedFile<Spec>, "spec" | "uploads" | "warnings">,
): Promise<Spec> {
  const { withUploads } = await import("../spec/load.ts");
  const warnings = loaded.warnings.map((warning) => placeText(warning));
  const uris = await store(ctx, loaded.uploads, await snapshotsOf(ctx, loaded.uploads, warnings));
  for (const warning of warnings) ctx.warn(warning);
  return withUploads(loaded.spec, loaded.uploads, uris);
}

/** Reads a schedule's file, stores what its job names, and answers the body of its call. */
export async function takeInSchedule(
  ctx: Ctx,
  file: string,
  given: Given,
): Promise<Pick<Taken<ScheduleSpec>, "name" | "spec">> {
  const { loadSchedule } = await import("../spec/load-schedule.ts");
  const loaded = loadSchedule(makeFileReader(ctx.io.cwd), file, { set: given.set ?? [] });
  const spec = await storeUploads(ctx, loaded);
  const { create_job: job } = spec;
  if (job !== undefined && "spec" in job) job.spec.experiment_name ??= folderName(ctx.io.cwd);
  return { name: given.name ?? loaded.name, spec };
}

/** Stores one local file or folder and answers its address; other references are answered as they are. */
export async function takeInPath(ctx: Ctx, path: string, use: "data" | "model" | "build"): Promise<string> {
  const { parseRef } = await import("../spec/refs.ts");
  const parsed = parseRef(path);
  if (parsed.form !== "local") return path;
  const form = makeFileReader(ctx.io.cwd).stat(parsed.path);
  if (form === "absent") throw new AppError("InvalidArgument", `\`${path}\` does not exist`);
  const uploads: Upload[] = [{ at: ["path"], field: "path", use, path: parsed.path, form, includes: [] }];
  const warnings: string[] = [];
  const [uri = ""] = await store(ctx, uploads, await snapshotsOf(ctx, uploads, warnings));
  for (const warning of warnings) ctx.warn(warning);
  return uri;
}

/** Fields of a file whose kind has no body of its own. Throws InvalidSpec. */
export async function loadFields(
  ctx: Ctx,
  kind: string,
  file: string,
  set: readonly string[],
): Promise<Record<string, unknown>> {
  const { checkFile } = await import("../spec/validate.ts");
  const { findings, value } = checkFile(makeFileReader(ctx.io.cwd), file, { kind, set });
  const [first] = findings.errors;
  if (first !== undefined) throw new AppError("InvalidSpec", placeText(first), { file, errors: findings.errors });
  return (value ?? {}) as Record<string, unknown>;
}

function folderName(cwd: string): string {
  return basename(cwd) || "Default";
}

function memo<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** One snapshot for each upload; the same folder is read once. */
async function snapshotsOf(ctx: Ctx, uploads: readonly Upload[], warnings: string[]): Promise<Snapshot[]> {
  const known = new Map<string, Promise<Snapshot>>();
  const all: Snapshot[] = [];
  for (const upload of uploads) {
    const key = keyOf(upload);
    const taking = known.get(key) ?? snapshot(ctx, upload);
    if (!known.has(key)) {
      known.set(key, taking);
      warnings.push(...(await taking).warnings);
    }
    all.push(await taking);
  }
  return all;
}

function keyOf(upload: Upload): string {
  return JSON.stringify([upload.use, upload.path, upload.includes]);
}

async function snapshot(ctx: Ctx, upload: Upload): Promise<Snapshot> {
  const path = resolve(ctx.io.cwd, upload.path);
  const progress = ctx.progress(`reading ${upload.path}`);
  const cache = openHashCache(cacheFile(ctx, path));
  try {
    const taken = await takeSnapshot(path, {
      cache,
      progress,
      signal: ctx.io.signal,
      asData: upload.use === "data" || upload.use === "model",
      includes: upload.includes.map((include) => resolve(ctx.io.cwd, include)),
    });
    cache.save();
    return taken;
  } finally {
    progress.end();
  }
}

/** Beside the laptop home's data, else in the user's cache folder. */
function cacheFile(ctx: Ctx, path: string): string | undefined {
  const { XDG_CACHE_HOME, HOME } = ctx.io.env;
  const user = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  const dataDir = findDataDir(ctx.io);
  const folder = dataDir === undefined ? user && join(user, "trainyard") : join(dataDir, "cache");
  if (!folder) return undefined;
  return join(folder, "snapshots", `${createHash("sha256").update(path).digest("hex").slice(0, 32)}.json`);
}

/** Stores the snapshots and answers the address of each upload. */
async function store(ctx: Ctx, uploads: readonly Upload[], snapshots: readonly Snapshot[]): Promise<string[]> {
  if (uploads.length === 0) return [];
  const [{ client, workspace }, { uploadTree }] = await Promise.all([ctx.link(), import("../client/trees.ts")]);
  const stored = new Map<Snapshot, string>();
  const uris: string[] = [];
  for (const [i, upload] of uploads.entries()) {
    const taken = snapshots[i];
    if (taken === undefined) continue;
    // A scoring script finds its model under the folder's own name (AZUREML_MODEL_DIR/NAME), so the name travels too.
    const name =
      upload.use === "model" && upload.form === "dir" ? basename(resolve(ctx.io.cwd, upload.path)) : undefined;
    let uri = stored.get(taken);
    if (uri === undefined) {
      const progress = ctx.progress(`uploading ${upload.path}`);
      try {
        const { tree } = await uploadTree(client, workspace, name === undefined ? taken : underName(taken, name), {
          signal: ctx.io.signal,
          onProgress: (sent) =>
            progress.update(
              `${sent.sentFiles} of ${sent.totalFiles} files, ${bytesText(sent.sentBytes)} of ${bytesText(sent.totalBytes)}`,
            ),
        });
        uri = `azureml://trees/${tree.id}${name === undefined ? "" : `/${name}`}`;
      } finally {
        progress.end();
      }
      stored.set(taken, uri);
    }
    uris.push(upload.form === "file" ? `${uri}/${basename(upload.path)}` : uri);
  }
  return uris;
}

/** The same files in a folder of this name. */
function underName(taken: Snapshot, name: string): TreeSource {
  const prefix = `${name}/`;
  const inner = (path: string): string => path.slice(prefix.length);
  const { stream } = taken;
  return {
    entries: taken.entries.map((entry) => ({ ...entry, path: `${prefix}${entry.path}` })),
    read: (path) => taken.read(inner(path)),
    ...(stream === undefined ? {} : { stream: (path: string) => stream.call(taken, inner(path)) }),
  };
}

function listingOf(uploads: readonly Upload[], snapshots: readonly Snapshot[]): UploadListing[] {
  return uploads.map((upload, i) => {
    const taken = snapshots[i];
    const files = (taken?.entries ?? [])
      .flatMap((entry) => (entry.kind === "file" ? [{ path: entry.path, size_bytes: entry.size_bytes }] : []))
      .sort((a, b) => b.size_bytes - a.size_bytes);
    return {
      what: upload.field,
      path: upload.path,
      file_count: taken?.fileCount ?? 0,
      size_bytes: taken?.sizeBytes ?? 0,
      files,
    };
  });
}
