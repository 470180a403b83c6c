import { AppError } from "../../contract/errors.ts";
import { invalid } from "../tracking/errors.ts";
import { percentDecoded } from "../tracking/names.ts";
import type { LoggedModelStore, RunStore } from "../tracking/ports.ts";
import type { ModelStore, ModelVersion, RegisteredModel } from "./ports.ts";
import { canonicalStage } from "./stages.ts";

export interface SourceDeps {
  readonly runs: Pick<RunStore, "get">;
  readonly loggedModels: Pick<LoggedModelStore, "get">;
  readonly models: ModelStore;
}

export interface Lineage {
  readonly source: string;
  readonly runId: string;
  readonly modelId: string;
}

function refused(source: string, why: string): AppError {
  return invalid(`Invalid model version source: '${source}'. ${why}`);
}

const DECODINGS = 16;

/** Decodes until nothing changes, so that no layer of encoding hides a step upwards. */
function fullyDecoded(source: string): string {
  let text = source;
  for (let round = 0; round < DECODINGS; round++) {
    const next = percentDecoded(text);
    if (next === text) return text;
    text = next;
  }
  throw refused(source, "It is percent-encoded too often.");
}

/**
 * Checks where a version's files are said to be. A source is an id of ours or an address the server never opens; what names a run or a logged
 * model must be that of the request. `models:/name/version` copies the referenced version's lineage.
 */
export async function checkSource(
  deps: SourceDeps,
  workspace: string,
  source: string,
  runId: string,
  modelId: string,
): Promise<Lineage> {
  const decoded = fullyDecoded(source);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(source)?.[1]?.toLowerCase();
  const isLocal = scheme === undefined || scheme === "file" || scheme.length === 1;
  const steps = decoded.split(/[/?#]/);
  if (/[\p{Cc}\\]/u.test(decoded) || steps.includes("..") || (steps.includes(".") && !isLocal)) {
    throw refused(
      source,
      "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.",
    );
  }
  if (/[#?]/.test(decoded) && scheme !== "http" && scheme !== "https")
    throw refused(source, "It must not have a query or a fragment.");
  if (isLocal) return checkLocal(deps, workspace, source, decoded, runId, modelId);
  switch (scheme) {
    case "runs":
      return checkRun(source, decoded, runId, modelId);
    case "models":
      return checkModel(deps, workspace, source, decoded, runId, modelId);
    case "mlflow-artifacts":
      return checkArtifacts(deps, workspace, source, decoded, runId, modelId);
    default:
      return { source, runId, modelId };
  }
}

/** A version of a logged model that names no run has the model's. Throws NotFound for a logged model that is not there. */
export async function withRun(deps: SourceDeps, workspace: string, lineage: Lineage, asked: string): Promise<Lineage> {
  const isItsAddress = /^models:\/[^/@]+$/i.test(lineage.source);
  if (asked === "" || (lineage.runId !== "" && !isItsAddress)) return lineage;
  const logged = await deps.loggedModels.get(workspace, asked);
  if (logged === undefined || logged.deleted)
    throw new AppError("NotFound", `Logged model with ID '${asked}' not found.`);
  return { ...lineage, runId: lineage.runId || logged.sourceRunId };
}

/** Where the logged model's artifacts lie or, without one, the run's. */
async function artifactRoot(
  deps: SourceDeps,
  workspace: string,
  runId: string,
  modelId: string,
): Promise<string | undefined> {
  const owner =
    modelId === "" ? await deps.runs.get(workspace, runId) : await deps.loggedModels.get(workspace, modelId);
  return owner?.artifactUri;
}

/** A local path is fine only inside the run's (or logged model's) own local artifact folder. */
async function checkLocal(
  deps: SourceDeps,
  workspace: string,
  source: string,
  decoded: string,
  runId: string,
  modelId: string,
): Promise<Lineage> {
  const root = await artifactRoot(deps, workspace, runId, modelId);
  const path = localPath(decoded);
  const folder = root === undefined || /^(?!file:)[A-Za-z][A-Za-z0-9+.-]+:/.test(root) ? undefined : localPath(root);
  if (folder?.startsWith("/") && (path === folder || path.startsWith(`${folder}/`))) return { source, runId, modelId };
  const id = modelId === "" ? "run_id" : "model_id";
  throw refused(
    source,
    `To use a local path as a model version source, the ${id} request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the ${id}.`,
  );
}

function localPath(uri: string): string {
  return uri
    .replace(/^file:(\/\/[^/]*)?/i, "")
    .replace(/\/+/g, "/")
    .replace(/\/$/, "");
}

function checkRun(source: string, decoded: string, runId: string, modelId: string): Lineage {
  const match = /^runs:\/([^/]+)(\/.*)?$/i.exec(decoded);
  if (match === null || modelId !== "" || match[1] !== runId) {
    throw refused(source, notTheOwner(modelId));
  }
  return { source, runId, modelId };
}

async function checkModel(
  deps: SourceDeps,
  workspace: string,
  source: string,
  decoded: string,
  runId: string,
  modelId: string,
): Promise<Lineage> {
  const body = /^models:\/([^/].*)$/i.exec(decoded)?.[1];
  const parts = body?.split("/") ?? [];
  const last = parts.at(-1) ?? "";
  const isLogged = parts.length === 1 && !last.includes("@");
  if (body === undefined || parts.length > 2 || last.trim() === "" || last.endsWith("@") || parts[0]?.trim() === "")
    throw refused(source, notTheOwner("models"));
  if (isLogged) {
    if (body !== modelId) throw refused(source, notTheOwner("models"));
    return { source, runId, modelId };
  }
  const at = body.lastIndexOf("@");
  const name = parts.length === 2 ? (parts[0] ?? "") : body.slice(0, at);
  const version = await referenced(deps, workspace, name, parts.length === 2 ? { suffix: last } : body.slice(at + 1));
  if ((runId !== "" && runId !== version.runId) || (modelId !== "" && modelId !== version.modelId))
    throw refused(source, "The run_id and model_id request parameters must match the referenced model version.");
  return { source: `models:/${name}/${version.version}`, runId: version.runId, modelId: version.modelId };
}

/** What `models:/name/SUFFIX` (a number, a stage or `latest`) or `models:/name@ALIAS` stands for now. */
async function referenced(
  deps: SourceDeps,
  workspace: string,
  name: string,
  wanted: { readonly suffix: string } | string,
): Promise<ModelVersion> {
  const model = await deps.models.get(workspace, name);
  if (model === undefined) throw new AppError("NotFound", `Registered Model with name=${name} not found`);
  const number = typeof wanted === "string" ? aliased(model, wanted) : wanted.suffix;
  const stage = /^(\d+|latest)$/i.test(number) ? undefined : canonicalStage(number);
  const version = /^\d+$/.test(number)
    ? await deps.models.version(model, String(Number(number)))
    : (await deps.models.versions(model)).findLast((each) => stage === undefined || each.stage === stage);
  if (version === undefined)
    throw new AppError("NotFound", `Model Version (name=${name}, version=${number}) not found`);
  return version;
}

function aliased({ aliases }: RegisteredModel, alias: string): string {
  const number = Object.hasOwn(aliases, alias) ? aliases[alias] : undefined;
  if (number === undefined) throw invalid(`Registered model alias ${alias} not found.`);
  return number;
}

async function checkArtifacts(
  deps: SourceDeps,
  workspace: string,
  source: string,
  decoded: string,
  runId: string,
  modelId: string,
): Promise<Lineage> {
  const root = await artifactRoot(deps, workspace, runId, modelId);
  const clean = withoutAuthority(decoded);
  const within = root === undefined ? undefined : withoutAuthority(root);
  if (
    within !== undefined &&
    clean !== undefined &&
    within !== "" &&
    (clean === within || clean.startsWith(`${within}/`))
  )
    return { source, runId, modelId };
  throw refused(source, notTheOwner(modelId));
}

function notTheOwner(modelId: string): string {
  const id = modelId === "" ? "run_id" : "model_id";
  return `The ${id} request parameter must identify the resource that contains the source.`;
}

/** `mlflow-artifacts:/a/b` -> `a/b`; undefined for one of another host. */
function withoutAuthority(uri: string): string | undefined {
  const match = /^mlflow-artifacts:(\/\/([^/]*))?\/*(.*)$/i.exec(uri);
  if (match === null || (match[2] ?? "") !== "") return undefined;
  return (match[3] ?? "")
    .split("/")
    .filter((part) => part !== "")
    .join("/");
}
