import { createReadStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { AppError } from "../../contract/errors.ts";
import { inside } from "../files-node.ts";
import type { Json, Mlflow } from "../import-mlflow/rest.ts";
import { openGrouped } from "./grouped.ts";
import { MANIFEST, type Manifest, readManifest } from "./manifest.ts";
import { rowsOf } from "./parquet.ts";
import type { Row, TableName } from "./tables.ts";

/** An export in the place of an MLflow server: what an import asks of one is answered from the folder. NotFound where there is no whole export. */
export async function openExport(folder: string): Promise<Mlflow> {
  const manifest = await readManifest(folder);
  if (manifest === undefined)
    throw new AppError("NotFound", `\`${folder}\` is not a finished export: it has no ${MANIFEST}`, {
      hint: "`yard export` makes one; an interrupted one goes on when it is started again",
    });
  const answers: Answers = {
    ...(await runAnswers(folder)),
    ...(await modelAnswers(folder)),
    ...fileAnswers(manifest),
  };
  const get = async (path: string, query: Readonly<Record<string, unknown>> = {}): Promise<Json> => {
    const answer = await find(path, query);
    if (answer === undefined) throw new AppError("NotFound", `the export has nothing at \`${path}\``);
    return answer;
  };
  const find = async (path: string, query: Readonly<Record<string, unknown>>): Promise<Json | undefined> => {
    const [, owner] = /^\/logged-models\/([^/]+)\/artifacts\/directories$/.exec(path) ?? [];
    if (owner !== undefined) return answers["/artifacts/list"]?.({ model_id: owner, ...query });
    return answers[path]?.(query);
  };
  return {
    get,
    find,
    async send(method, path) {
      throw new AppError("MethodNotAllowed", `an export is only read; \`${method} ${path}\` would write`);
    },
    async *pages(_method, path, field, query) {
      const items = (await get(path, query))[field];
      if (Array.isArray(items)) yield* items as Json[];
    },
    async bytes(path, query = {}) {
      const model = /\/logged-models\/([^/]+)\/artifacts\/files$/.exec(path)?.[1];
      const owner = model === undefined ? `runs/${query.run_id}` : `logged_models/${model}`;
      const place = inside(folder, `${owner}/artifacts/${query.path ?? query.artifact_file_path}`);
      return Readable.toWeb(createReadStream(place)) as ReadableStream<Uint8Array>;
    },
    put: async () => {
      throw new AppError("MethodNotAllowed", "an export is only read");
    },
  };
}

/** By path of MLflow's API. */
type Answers = Readonly<
  Record<string, (query: Readonly<Record<string, unknown>>) => Json | undefined | Promise<Json | undefined>>
>;

function tableAt(folder: string, name: TableName): string {
  return join(folder, `${name}.parquet`);
}

const pairs = (rows: readonly { readonly key: string; readonly value: string }[]) =>
  rows.map(({ key, value }) => ({ key, value }));

function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

async function runAnswers(folder: string): Promise<Answers> {
  const keys = new Map<string, Set<string>>();
  const onRow = (run: string, key: string) => {
    const known = keys.get(run) ?? new Set();
    keys.set(run, known.add(key));
  };
  const at = <N extends TableName>(name: N) => tableAt(folder, name);
  const metrics = await openGrouped(at("metrics"), "metrics", "run_id", { column: "key", onRow });
  const [params, tags, inputs, models] = await Promise.all([
    openGrouped(at("params"), "params", "run_id"),
    openGrouped(at("tags"), "tags", "run_id"),
    openGrouped(at("inputs"), "inputs", "run_id"),
    openGrouped(at("run_models"), "run_models", "run_id"),
  ]);
  const runs = await rowsOf(at("runs"), "runs");
  const byId = new Map(runs.map((run) => [run.run_id, run]));
  const experiments = await rowsOf(at("experiments"), "experiments");
  const experimentTags = Map.groupBy(
    await rowsOf(at("experiment_tags"), "experiment_tags"),
    (tag) => tag.experiment_id,
  );

  async function whole(info: Row<"runs">): Promise<Json> {
    const id = info.run_id;
    const used = await models.rows(id);
    const inRole = (role: string) =>
      used.filter((it) => it.role === role).map(({ model_id, step }) => ({ model_id, step }));
    return {
      info,
      data: {
        metrics: Array.from(keys.get(id) ?? [], (key) => ({ key })),
        params: pairs(await params.rows(id)),
        tags: pairs(await tags.rows(id)),
      },
      inputs: {
        dataset_inputs: (await inputs.rows(id)).map(({ run_id: _, tags: own, ...dataset }) => ({
          dataset,
          tags: Object.entries(JSON.parse(own) as Record<string, string>).map(([key, value]) => ({ key, value })),
        })),
        model_inputs: inRole("input"),
      },
      outputs: { model_outputs: inRole("output") },
    };
  }

  return {
    "/experiments/search": () => ({
      experiments: experiments.map((it) => ({ ...it, tags: pairs(experimentTags.get(it.experiment_id) ?? []) })),
    }),
    "/runs/search": async ({ experiment_ids }) => {
      const ids = new Set(experiment_ids as readonly string[]);
      const found: Json[] = [];
      for (const run of runs) if (ids.has(run.experiment_id)) found.push(await whole(run));
      return { runs: found };
    },
    "/runs/get": async ({ run_id }) => {
      const run = byId.get(String(run_id));
      return run === undefined ? undefined : { run: await whole(run) };
    },
    "/metrics/get-history": async ({ run_id, metric_key }) => ({
      metrics: (await metrics.rows(String(run_id)))
        .filter((point) => point.key === metric_key)
        .map(({ key, step, timestamp, value }) => ({ key, step, timestamp, value: double(value) })),
    }),
  };
}

async function modelAnswers(folder: string): Promise<Answers> {
  const all = <N extends TableName>(name: N) => rowsOf(tableAt(folder, name), name);
  const logged = await all("logged_models");
  const ofLogged = {
    params: Map.groupBy(await all("logged_model_params"), (it) => it.model_id),
    tags: Map.groupBy(await all("logged_model_tags"), (it) => it.model_id),
    metrics: Map.groupBy(await all("logged_model_metrics"), (it) => it.model_id),
  };
  const registered = await all("registered_models");
  const modelTags = Map.groupBy(await all("registered_model_tags"), (it) => it.name);
  const aliases = Map.groupBy(await all("aliases"), (it) => it.name);
  const versions = Map.groupBy(await all("model_versions"), (it) => it.name);
  const versionTags = Map.groupBy(await all("model_version_tags"), (it) => JSON.stringify([it.name, it.version]));

  return {
    "/logged-models/search": ({ experiment_ids }) => ({
      models: logged
        .filter((model) => (experiment_ids as readonly string[]).includes(model.experiment_id))
        .map((model) => ({
          info: { ...model, tags: pairs(ofLogged.tags.get(model.model_id) ?? []) },
          data: {
            params: pairs(ofLogged.params.get(model.model_id) ?? []),
            metrics: (ofLogged.metrics.get(model.model_id) ?? []).map((it) => ({ ...it, value: double(it.value) })),
          },
        })),
    }),
    "/registered-models/search": () => ({ registered_models: registered }),
    "/registered-models/get": ({ name }) => {
      const model = registered.find((it) => it.name === name);
      if (model === undefined) return undefined;
      const own = { tags: pairs(modelTags.get(model.name) ?? []), aliases: aliases.get(model.name) ?? [] };
      return { registered_model: { ...model, ...own } };
    },
    "/model-versions/search": ({ filter }) => ({
      model_versions: (versions.get(String(filter).slice("name='".length, -1)) ?? []).map((it) => ({
        ...it,
        tags: pairs(versionTags.get(JSON.stringify([it.name, it.version])) ?? []),
      })),
    }),
  };
}

/** One folder's level at a time, as servers list them. */
function fileAnswers(manifest: Manifest): Answers {
  const below = new Map<string, Map<string, Json>>();
  for (const { path, size_bytes } of manifest.files) {
    const [, owner, rest = ""] = /^((?:runs|logged_models)\/[^/]+)\/artifacts\/(.+)$/.exec(path) ?? [];
    if (owner === undefined) continue;
    const parts = rest.split("/");
    for (let depth = 1; depth <= parts.length; depth++) {
      const at = parts.slice(0, depth).join("/");
      const parent = `${owner}:${parts.slice(0, depth - 1).join("/")}`;
      const level = below.get(parent) ?? new Map<string, Json>();
      level.set(
        at,
        depth < parts.length ? { path: at, is_dir: true } : { path: at, is_dir: false, file_size: size_bytes },
      );
      below.set(parent, level);
    }
  }
  return {
    "/artifacts/list": ({ run_id, model_id, path, artifact_directory_path }) => {
      const owner = run_id === undefined ? `logged_models/${model_id}` : `runs/${run_id}`;
      return { files: [...(below.get(`${owner}:${path ?? artifact_directory_path ?? ""}`)?.values() ?? [])] };
    },
  };
}
