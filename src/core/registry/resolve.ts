import { AppError } from "../../contract/errors.ts";
import type { ModelStore, ModelType, ModelVersion, RegisteredModel } from "./ports.ts";
import type { SourceDeps } from "./sources.ts";

/** A version, or a label; `latest` is the newest version that is not archived. */
export type ModelRef = { readonly version: string } | { readonly label: string };

/** A model version, whichever way it was asked for; undefined where it is not there. */
export async function findVersion(
  models: ModelStore,
  workspace: string,
  name: string,
  ref: ModelRef,
): Promise<{ readonly model: RegisteredModel; readonly version: ModelVersion } | undefined> {
  const model = await models.get(workspace, name);
  if (model === undefined) return undefined;
  if ("label" in ref && ref.label === "latest") {
    const versions = await models.versions(model);
    const version = versions.findLast((each) => !each.archived) ?? versions.at(-1);
    return version === undefined ? undefined : { model, version };
  }
  const number =
    "version" in ref ? ref.version : Object.hasOwn(model.aliases, ref.label) ? model.aliases[ref.label] : undefined;
  if (number === undefined || !/^\d{1,15}$/.test(number)) return undefined;
  const version = await models.version(model, String(Number(number)));
  return version === undefined ? undefined : { model, version };
}

export interface ModelPlace {
  readonly name: string;
  readonly version: string;
  readonly type: ModelType;
  /** `mlflow-artifacts:/…` for what runs and logged models keep; else the URI as it was registered. */
  readonly uri: string;
}

/** Where a model's files are. */
export async function resolveModel(
  deps: SourceDeps,
  workspace: string,
  name: string,
  ref: ModelRef,
): Promise<ModelPlace | undefined> {
  const found = await findVersion(deps.models, workspace, name, ref);
  if (found === undefined) return undefined;
  const { model, version } = found;
  return {
    name: model.name,
    version: version.version,
    type: version.type,
    uri: await resolveSource(deps, workspace, version.source),
  };
}

const COPIES_LIMIT = 32;

/** `models:/m-…`, `models:/name/version` and `runs:/ID/path` become the artifact place behind them; anything else stays. */
export async function resolveSource(deps: SourceDeps, workspace: string, source: string): Promise<string> {
  const uri = await resolveModelUri(deps, workspace, source);
  const ofRun = /^runs:\/([^/]+)(\/.*)?$/.exec(uri);
  if (ofRun === null) return uri;
  const run = await deps.runs.get(workspace, ofRun[1] ?? "");
  if (run === undefined) throw new AppError("NotFound", `Run with id=${ofRun[1]} not found`);
  return run.artifactUri + (ofRun[2] ?? "");
}

async function resolveModelUri(deps: SourceDeps, workspace: string, source: string, depth = 0): Promise<string> {
  // First: a name may begin with `m-` too, and `models:/m-…/1` is then its version.
  const copied = /^models:\/([^/@]+)(?:\/(\d+)|@([^/]+))$/.exec(source);
  if (copied !== null) {
    const ref: ModelRef = copied[2] === undefined ? { label: copied[3] ?? "" } : { version: copied[2] };
    const found = depth < COPIES_LIMIT ? await findVersion(deps.models, workspace, copied[1] ?? "", ref) : undefined;
    if (found === undefined) throw new AppError("NotFound", `\`${source}\` names no version that is there`);
    return resolveModelUri(deps, workspace, found.version.source, depth + 1);
  }
  const logged = /^models:\/(m-[^/@]+)(\/.*)?$/.exec(source);
  if (logged !== null) {
    const model = await deps.loggedModels.get(workspace, logged[1] ?? "");
    if (model === undefined) throw new AppError("NotFound", `Logged model with ID '${logged[1]}' not found.`);
    return model.artifactUri + (logged[2] ?? "");
  }
  return source;
}

/** First segment of the artifact paths under which registered files of other places can be read; experiments have numbers. */
export const REGISTERED_FOLDER = "registered-models";

/** What an MLflow client downloads from, which reads `runs:/` itself: files that are not artifacts are shown as artifacts, read-only. */
export async function downloadUri(
  deps: SourceDeps,
  workspace: string,
  model: RegisteredModel,
  version: ModelVersion,
): Promise<string> {
  const uri = await resolveModelUri(deps, workspace, version.source);
  if (!uri.startsWith("azureml:")) return uri;
  return `mlflow-artifacts:/${REGISTERED_FOLDER}/${model.id}/${version.version}`;
}
