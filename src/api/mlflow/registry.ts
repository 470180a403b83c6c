import { checkAlias, deleteAlias, setAlias } from "../../core/registry/aliases.ts";
import {
  changeModel,
  checkRegistryTag,
  createModel,
  deleteModelTag,
  getModel,
  type RegistryDeps,
  renameModel,
  setModelTag,
  without,
} from "../../core/registry/models.ts";
import type { RegisteredModel } from "../../core/registry/ports.ts";
import { downloadUri } from "../../core/registry/resolve.ts";
import { searchModels, searchVersions } from "../../core/registry/search.ts";
import { canonicalStage } from "../../core/registry/stages.ts";
import {
  changeVersion,
  createVersion,
  deleteVersion,
  getVersion,
  latestPerStage,
  transitionStage,
  versionOf,
} from "../../core/registry/versions.ts";
import { invalid, notFound } from "../../core/tracking/errors.ts";
import { checkKey } from "../../core/tracking/names.ts";
import type { RawRoute } from "../raw-route.ts";
import type { Args } from "./args.ts";
import { modelJson, versionJson } from "./render.ts";
import { type MlflowCall, mlflowRoutes } from "./route.ts";

const R = "/2.0/mlflow/registered-models";
const V = "/2.0/mlflow/model-versions";
const READ = { resource: "registry", action: "read" } as const;
const CREATE = { resource: "registry", action: "create" } as const;
const UPDATE = { resource: "registry", action: "update" } as const;
const DELETE = { resource: "registry", action: "delete" } as const;

function pageOf(args: Args, maxResults: number) {
  return {
    filter: args.text("filter"),
    orderBy: args.texts("order_by"),
    maxResults: args.int("max_results") ?? maxResults,
    pageToken: args.text("page_token"),
  };
}

export function registryRoutes(deps: RegistryDeps): RawRoute[] {
  return [...modelRoutes(deps), ...aliasRoutes(deps), ...versionRoutes(deps)];
}

function modelRoutes(deps: RegistryDeps): RawRoute[] {
  const whole = async (model: RegisteredModel) => ({
    registered_model: modelJson(model, await deps.models.versions(model)),
  });
  const latest = async ({ args, workspace }: MlflowCall) => {
    const name = args.required("name");
    const asked = args.texts("stages");
    const model = await getModel(deps, workspace, name);
    const stages = asked.map(canonicalStage);
    const versions = latestPerStage(await deps.models.versions(model)).filter(
      ({ stage }) => stages.length === 0 || stages.includes(stage),
    );
    return versions.length === 0 ? {} : { model_versions: versions.map((version) => versionJson({ model, version })) };
  };
  return [
    ...mlflowRoutes("POST", `${R}/create`, CREATE, async (call) => {
      const { args } = call;
      const model = await createModel(deps, call, {
        name: args.required("name"),
        description: args.text("description"),
        tags: args.pairs("tags"),
      });
      return whole(model);
    }),
    ...mlflowRoutes("GET", `${R}/get`, READ, async ({ args, workspace }) =>
      whole(await getModel(deps, workspace, args.required("name"))),
    ),
    ...mlflowRoutes("POST", `${R}/rename`, UPDATE, async (call) =>
      whole(await renameModel(deps, call, call.args.required("name"), call.args.required("new_name"))),
    ),
    ...mlflowRoutes("PATCH", `${R}/update`, UPDATE, async (call) => {
      const description = call.args.text("description") ?? "";
      return whole(
        await changeModel(
          deps,
          call,
          call.args.required("name"),
          { action: "update", summary: "description changed" },
          () => ({ model: { description } }),
        ),
      );
    }),
    ...mlflowRoutes("DELETE", `${R}/delete`, DELETE, async (call) => {
      const model = await getModel(deps, call.workspace, call.args.required("name"));
      await deps.models.delete(model, {
        actor: call.principal.name,
        action: "delete",
        summary: `registered model \`${model.name}\` deleted`,
      });
    }),
    ...mlflowRoutes("GET", `${R}/search`, READ, async ({ args, workspace }) => {
      const { models, next } = await searchModels(deps, workspace, pageOf(args, 100));
      const registered = await Promise.all(
        models.map(async (model) => modelJson(model, await deps.models.versions(model))),
      );
      return {
        ...(registered.length === 0 ? {} : { registered_models: registered }),
        ...(next === undefined ? {} : { next_page_token: next }),
      };
    }),
    ...mlflowRoutes("POST", `${R}/get-latest-versions`, READ, latest),
    ...mlflowRoutes("GET", `${R}/get-latest-versions`, READ, latest),
    ...mlflowRoutes("POST", `${R}/set-tag`, UPDATE, async (call) => {
      await setModelTag(
        deps,
        call,
        call.args.required("name"),
        call.args.required("key"),
        call.args.text("value") ?? "",
      );
    }),
    ...mlflowRoutes("DELETE", `${R}/delete-tag`, UPDATE, async (call) => {
      await deleteModelTag(deps, call, call.args.required("name"), call.args.required("key"));
    }),
  ];
}

function aliasRoutes(deps: RegistryDeps): RawRoute[] {
  return [
    ...mlflowRoutes("POST", `${R}/alias`, UPDATE, async (call) => {
      await setAlias(
        deps,
        call,
        call.args.required("name"),
        call.args.required("alias"),
        call.args.required("version"),
      );
    }),
    ...mlflowRoutes("DELETE", `${R}/alias`, UPDATE, async (call) => {
      await deleteAlias(deps, call, call.args.required("name"), call.args.required("alias"));
    }),
    ...mlflowRoutes("GET", `${R}/alias`, READ, async ({ args, workspace }) => {
      const alias = args.required("alias");
      checkAlias(alias);
      const model = await getModel(deps, workspace, args.required("name"));
      const version =
        alias.toLowerCase() === "latest"
          ? (await deps.models.versions(model)).at(-1)?.version
          : own(model.aliases, alias);
      if (version === undefined && alias.toLowerCase() === "latest")
        throw notFound(`Latest version not found for model ${model.name}.`);
      if (version === undefined) throw invalid(`Registered model alias ${alias} not found.`);
      return { model_version: versionJson({ model, version: await versionOf(deps, model, version) }) };
    }),
  ];
}

function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function versionRoutes(deps: RegistryDeps): RawRoute[] {
  return [
    ...mlflowRoutes("POST", `${V}/create`, CREATE, async (call) => {
      const { args } = call;
      const made = await createVersion(deps, call, {
        name: args.required("name"),
        source: args.required("source"),
        runId: args.text("run_id"),
        modelId: args.text("model_id"),
        runLink: args.text("run_link"),
        description: args.text("description"),
        tags: args.pairs("tags"),
      });
      return { model_version: versionJson(made) };
    }),
    ...mlflowRoutes("GET", `${V}/get`, READ, async ({ args, workspace }) => {
      return {
        model_version: versionJson(await getVersion(deps, workspace, args.required("name"), args.required("version"))),
      };
    }),
    ...mlflowRoutes("PATCH", `${V}/update`, UPDATE, async (call) => {
      const description = call.args.text("description") ?? "";
      const about = { action: "update", summary: "description changed" };
      const changed = await changeVersion(
        deps,
        call,
        call.args.required("name"),
        call.args.required("version"),
        about,
        () => ({
          description,
        }),
      );
      return { model_version: versionJson(changed) };
    }),
    ...mlflowRoutes("DELETE", `${V}/delete`, DELETE, (call) =>
      deleteVersion(deps, call, call.args.required("name"), call.args.required("version")),
    ),
    ...mlflowRoutes("POST", `${V}/transition-stage`, UPDATE, async (call) => {
      const { args } = call;
      const moved = await transitionStage(deps, call, {
        name: args.required("name"),
        version: args.required("version"),
        stage: args.required("stage"),
        archiveExisting: args.flag("archive_existing_versions") ?? false,
      });
      return { model_version: versionJson(moved) };
    }),
    ...mlflowRoutes("GET", `${V}/search`, READ, async ({ args, workspace }) => {
      const { versions, next } = await searchVersions(deps, workspace, pageOf(args, 10_000));
      return {
        ...(versions.length === 0 ? {} : { model_versions: versions.map((version) => versionJson(version, false)) }),
        ...(next === undefined ? {} : { next_page_token: next }),
      };
    }),
    ...mlflowRoutes("GET", `${V}/get-download-uri`, READ, async ({ args, workspace }) => {
      const [name, number] = [args.text("name") ?? "", args.text("version") ?? ""];
      const { model, version } = await getVersion(deps, workspace, name, number);
      return { artifact_uri: await downloadUri(deps, workspace, model, version) };
    }),
    ...mlflowRoutes("POST", `${V}/set-tag`, UPDATE, async (call) => {
      const { args } = call;
      const [name, version, key] = [args.required("name"), args.required("version"), args.required("key")];
      const value = args.text("value") ?? "";
      checkRegistryTag(key, value);
      await changeVersion(
        deps,
        call,
        name,
        version,
        { action: "update", summary: `tag \`${key}\` set`, quiet: true },
        ({ tags }) => ({
          tags: { ...tags, [key]: value },
        }),
      );
    }),
    ...mlflowRoutes("DELETE", `${V}/delete-tag`, UPDATE, async (call) => {
      const { args } = call;
      const [name, version, key] = [args.required("name"), args.required("version"), args.required("key")];
      checkKey(key, "key");
      const about = { action: "update", summary: `tag \`${key}\` removed`, quiet: true };
      await changeVersion(deps, call, name, version, about, ({ tags }) =>
        Object.hasOwn(tags, key) ? { tags: without(tags, key) } : undefined,
      );
    }),
  ];
}
