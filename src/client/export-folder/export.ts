import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import { TRAINYARD_VERSION } from "../../contract/version.ts";
import type { Client } from "../client.ts";
import { inside } from "../files-node.ts";
import { type Json, makeMlflow, recordOf, textOf } from "../import-mlflow/rest.ts";
import { type Batch, type Batches, openBatches, type Problem } from "./batches.ts";
import { type ExportFolder, type FileFact, openFolder } from "./folder.ts";
import { gatherExperiment, gatherLoggedModel, gatherRegistered } from "./gather-models.ts";
import { type Gather, gatherRun } from "./gather-run.ts";
import { countsOf, FORMAT, FORMAT_VERSION, MANIFEST, type Manifest, readManifest } from "./manifest.ts";
import { createTable, joinTables } from "./parquet.ts";
import { type Ground, isAll, modelsOfRun, type Selection, selectedModels, selectedRuns, survey } from "./select.ts";
import { TABLE_NAMES } from "./tables.ts";
import { verifyExport } from "./verify.ts";

const BATCH_RUNS = 100;
const BATCH_ROWS = 200_000;

export interface ExportOptions {
  readonly client: Client;
  readonly workspace: string;
  /** Of the home, for the manifest. */
  readonly url: string;
  readonly path: string;
  readonly selection: Selection;
  readonly tablesOnly: boolean;
  readonly now: () => Date;
  readonly onProgress: (text: string) => void;
}

export interface ExportReport {
  readonly folder: string;
  readonly workspace: string;
  /** Every file's SHA-256 and every table's count of rows was read back and is as it was written. */
  readonly verified: boolean;
  readonly counts: Manifest["counts"];
  readonly problems: readonly Problem[];
  /** The folder held this export, whole, before. */
  readonly finished_before: boolean;
}

/**
 * Writes a workspace, or what is selected of it, into a folder that can be read without us: Parquet tables, the original files, a manifest with counts
 * and checksums. Interrupted, it goes on when it is started again; runs that changed meanwhile are written anew. Throws Conflict where the folder
 * holds something else.
 */
export async function exportFolder(options: ExportOptions): Promise<ExportReport> {
  const folder = openFolder(options.path);
  const manifest = await readManifest(options.path);
  const wanted = planOf(options);
  if (manifest !== undefined) {
    if (planOf({ ...manifest, tablesOnly: manifest.tables_only }) !== wanted)
      throw occupied(options.path, "another export");
    return reportOf(options, manifest, await verifyExport(options.path, manifest, options.onProgress), true);
  }
  await settleIn(folder, wanted);
  const made = await write(folder, options);
  const faults = await verifyExport(options.path, made, options.onProgress);
  const report = reportOf(options, made, faults, false);
  // The manifest comes last: with it, the export is whole.
  if (faults.length === 0) {
    await folder.write(MANIFEST, `${JSON.stringify(made, null, 1)}\n`);
    await rm(folder.staging, { recursive: true });
  } else {
    // What this disk lost is fetched again by the next attempt.
    for (const { about } of faults) await rm(inside(folder.path, about), { force: true });
    await rm(join(folder.staging, "batches"), { recursive: true });
  }
  return report;
}

/** What makes two exports the same one; not the address, which a home that restarts may change. */
function planOf(it: {
  readonly workspace: string;
  readonly selection: Selection;
  readonly tablesOnly: boolean;
}): string {
  const { experiments, runs, models, since } = it.selection;
  return JSON.stringify([it.workspace, experiments, runs, models, since ?? null, it.tablesOnly]);
}

function occupied(path: string, what: string): AppError {
  return new AppError("Conflict", `folder \`${path}\` holds ${what}`, {
    hint: "name another folder, or remove this one",
  });
}

/** An empty folder, or one where this same export was begun. */
async function settleIn(folder: ExportFolder, plan: string): Promise<void> {
  await mkdir(folder.path, { recursive: true });
  const known = await readFile(join(folder.staging, "plan.json"), "utf8").catch(() => undefined);
  if (known !== undefined) {
    if (known !== plan) throw occupied(folder.path, "another export that is not finished");
    await rm(join(folder.staging, "parts"), { recursive: true, force: true });
    return;
  }
  const others = (await readdir(folder.path)).filter((name) => name !== ".export");
  if (others.length > 0) throw occupied(folder.path, `other files (\`${others[0]}\` …)`);
  await folder.write(join(".export", "plan.json"), plan);
}

async function write(folder: ExportFolder, options: ExportOptions): Promise<Manifest> {
  const { client, workspace, selection } = options;
  const mlflow = makeMlflow(client, `/w/${encodeURIComponent(workspace)}`);
  const batches = await openBatches(join(folder.staging, "batches"));
  const ground = await survey(mlflow, selection);
  const registered = new Set(ground.registered.map(({ model }) => textOf(model.name)));
  const told = { runs: 0, points: 0, files: 0, bytes: 0 };
  const tell = () => options.onProgress(`${told.runs} runs, ${told.points} metric points, ${told.files} files`);
  const it: Gather = {
    client,
    mlflow,
    workspace,
    folder,
    tablesOnly: options.tablesOnly,
    snapshots: new Set(),
    exportsModel: (name) => registered.has(name),
    onPoints(count) {
      told.points += count;
      tell();
    },
    onFile(bytes) {
      told.files++;
      told.bytes += bytes;
      tell();
    },
  };
  const runs = () => selectedRuns(mlflow, selection, ground);
  await dropStale(batches, runs());
  const standing = new Set([...batches.standing.values()].flatMap((facts) => Object.keys(facts.runs)));
  const ids = { experiments: new Set<string>(), models: new Set<string>() };
  let batch: Batch | undefined;
  for await (const run of runs()) {
    told.runs++;
    tell();
    const info = recordOf(run.info);
    const id = textOf(info.run_id);
    ids.experiments.add(textOf(info.experiment_id));
    for (const model of modelsOfRun(run)) ids.models.add(model);
    if (standing.has(id)) continue;
    standing.add(id);
    batch ??= await batches.begin();
    await gatherRun(it, batch, run);
    batch.done(id, digestOf(run));
    if (batch.runs < BATCH_RUNS && batch.rows < BATCH_ROWS) continue;
    await batch.close();
    batch = undefined;
  }
  await batch?.close();
  await gatherRest(it, batches, selection, ground, ids);
  return finish(folder, options, batches);
}

function digestOf(run: Json): string {
  return createHash("sha256").update(JSON.stringify(run)).digest("hex");
}

/** Batches with a run that has changed or is gone are written again. The last one, of all that is not runs, always is. */
async function dropStale(batches: Batches, runs: AsyncIterable<Json>): Promise<void> {
  if (batches.standing.size === 0) return;
  const now = new Map<string, string>();
  for await (const run of runs) now.set(textOf(recordOf(run.info).run_id), digestOf(run));
  for (const [name, { runs: known }] of batches.standing) {
    const entries = Object.entries(known);
    if (entries.length === 0 || entries.some(([id, digest]) => now.get(id) !== digest)) await batches.drop(name);
  }
}

async function gatherRest(
  it: Gather,
  batches: Batches,
  selection: Selection,
  ground: Ground,
  ids: { readonly experiments: Set<string>; readonly models: ReadonlySet<string> },
): Promise<void> {
  const batch = await batches.begin();
  for await (const model of selectedModels(it.mlflow, ground, ids.models)) {
    ids.experiments.add(textOf(recordOf(model.info).experiment_id));
    await gatherLoggedModel(it, batch, model);
  }
  for (const { model, versions } of ground.registered) await gatherRegistered(it, batch, model, versions);
  for (const id of ground.wholeExperiments) ids.experiments.add(id);
  for (const experiment of ground.experiments)
    if (isAll(selection) || ids.experiments.has(textOf(experiment.experiment_id))) gatherExperiment(batch, experiment);
  await batch.close();
}

/** Tables from their parts, and the manifest over everything. */
async function finish(folder: ExportFolder, options: ExportOptions, batches: Batches): Promise<Manifest> {
  const facts = [...batches.standing.values()];
  const files = new Map<string, FileFact>();
  for (const file of facts.flatMap((it) => it.files)) files.set(file.path, file);
  const originals = [...files.values()];
  const rows: Record<string, number> = {};
  for (const name of TABLE_NAMES) {
    const path = `${name}.parquet`;
    const part = join(folder.staging, path);
    const parts = batches.tables(name);
    if (parts.length === 0) await createTable(part, name).close();
    const joined = parts.length === 0 ? 0 : await joinTables(parts, part, name);
    rows[name] = facts.reduce((sum, it) => sum + (it.rows[name] ?? 0), 0);
    if (joined !== rows[name])
      throw new AppError("Internal", `table \`${name}\` has ${joined} rows of ${rows[name]} that were written`);
    await rename(part, join(folder.path, path));
    files.set(path, await folder.fact(path));
  }
  return {
    format: FORMAT,
    format_version: FORMAT_VERSION,
    written_by: `trainyard ${TRAINYARD_VERSION}`,
    finished_at: options.now().toISOString(),
    url: options.url,
    workspace: options.workspace,
    selection: options.selection,
    tables_only: options.tablesOnly,
    counts: countsOf(rows, originals),
    problems: facts.flatMap((it) => it.problems),
    files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

function reportOf(
  { path, workspace }: ExportOptions,
  manifest: Manifest,
  faults: readonly Problem[],
  before: boolean,
): ExportReport {
  return {
    folder: path,
    workspace,
    verified: faults.length === 0,
    counts: manifest.counts,
    problems: [...manifest.problems, ...faults],
    finished_before: before,
  };
}
