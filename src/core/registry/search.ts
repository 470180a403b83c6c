import { invalid } from "../tracking/errors.ts";
import { parseFilter, parseOrderBy } from "../tracking/filter.ts";
import { MODEL_VERSIONS, REGISTERED_MODELS } from "../tracking/grammars.ts";
import { wrongType } from "../tracking/log.ts";
import { decodeToken, encodeToken } from "../tracking/paging.ts";
import type { Comparison, OrderKey } from "../tracking/ports.ts";
import { searchRows } from "../tracking/search-rows.ts";
import type { RegistryDeps } from "./models.ts";
import type { ModelVersion, RegisteredModel } from "./ports.ts";
import { PROMPT_TAG, type VersionAnswer } from "./versions.ts";

export interface RegistryQuery {
  readonly filter?: string | undefined;
  readonly orderBy: readonly string[];
  readonly maxResults: number;
  readonly pageToken?: string | undefined;
}

const order = (key: string, kind: "text" | "number", descending = false): OrderKey => ({
  entity: "attribute",
  key,
  kind,
  descending,
});
const MODELS_LIMIT = 1000;
const VERSIONS_LIMIT = 200_000;

export async function searchModels(
  deps: RegistryDeps,
  workspace: string,
  query: RegistryQuery,
): Promise<{ readonly models: readonly RegisteredModel[]; readonly next?: string }> {
  limited(query.maxResults, MODELS_LIMIT);
  const parsed = parseFilter(query.filter, REGISTERED_MODELS);
  const { filter, prompts } = splitPrompts(parsed);
  const asked = parseOrderBy(query.orderBy, REGISTERED_MODELS);
  const orderBy = asked.some(({ key }) => key === "name") ? asked : [...asked, order("name", "text")];
  const scope = JSON.stringify(["registered-models", query.filter ?? "", query.orderBy]);
  const all = (await deps.models.list(workspace)).filter((model) => isPrompt(model) === prompts);
  const { rows, next } = searchRows(
    all,
    (model) => ({
      text: () => model.name,
      number: (name) => (name === "creation_timestamp" ? model.createdMs : model.updatedMs),
      tag: (key) => (Object.hasOwn(model.tags, key) ? model.tags[key] : undefined),
    }),
    filter,
    orderBy,
    query.maxResults,
    query.pageToken ? decodeToken(scope, query.pageToken) : undefined,
  );
  return { models: rows, ...(next === undefined ? {} : { next: encodeToken(scope, next) }) };
}

function isPrompt(model: RegisteredModel): boolean {
  return Object.hasOwn(model.tags, PROMPT_TAG) && model.tags[PROMPT_TAG]?.toLowerCase() === "true";
}

/** Prompts are models by another use: only a search that asks for them sees them. */
function splitPrompts(filter: readonly Comparison[]): { filter: Comparison[]; prompts: boolean } {
  const isAboutPrompts = (each: Comparison): boolean => each.entity === "tag" && each.key === PROMPT_TAG;
  const about = filter.find(isAboutPrompts);
  const value = String(about?.value).toLowerCase();
  const prompts =
    about !== undefined && ((about.op === "=" && value === "true") || (about.op === "!=" && value === "false"));
  return { filter: filter.filter((each) => !isAboutPrompts(each)), prompts };
}

function limited(maxResults: number, limit: number): void {
  if (maxResults < 1)
    throw invalid(`Invalid value for max_results. It must be a positive integer, but got ${maxResults}`);
  if (maxResults > limit) {
    // It comes in an address, as a text.
    throw wrongType("max_results", String(maxResults));
  }
}

const NEWEST_FIRST = [
  order("last_updated_timestamp", "number", true),
  order("name", "text"),
  order("version_number", "number", true),
];

export async function searchVersions(
  deps: RegistryDeps,
  workspace: string,
  query: RegistryQuery,
): Promise<{ readonly versions: readonly VersionAnswer[]; readonly next?: string }> {
  limited(query.maxResults, VERSIONS_LIMIT);
  const parsed = parseFilter(query.filter, MODEL_VERSIONS);
  const { filter, prompts } = splitPrompts(parsed);
  const asked = parseOrderBy(query.orderBy, MODEL_VERSIONS);
  const ties = [order("name", "text"), order("version_number", "number", true)].filter(
    (tie) => !asked.some(({ key }) => key === tie.key),
  );
  const orderBy = asked.length === 0 ? NEWEST_FIRST : [...asked, ...ties];
  const scope = JSON.stringify(["model-versions", query.filter ?? "", query.orderBy]);
  const found: VersionAnswer[] = [];
  for (const model of await modelsOf(deps, workspace, filter)) {
    if (isPrompt(model) !== prompts) continue;
    for (const version of await deps.models.versions(model)) found.push({ model, version });
  }
  const { rows, next } = searchRows(
    found,
    ({ model, version }) => ({
      text: (name) => (name === "name" ? model.name : name === "run_id" ? version.runId : version.source),
      number: (name) => numberOf(version, name),
      tag: (key) => (Object.hasOwn(version.tags, key) ? version.tags[key] : undefined),
    }),
    filter,
    orderBy,
    query.maxResults,
    query.pageToken ? decodeToken(scope, query.pageToken) : undefined,
  );
  return { versions: rows, ...(next === undefined ? {} : { next: encodeToken(scope, next) }) };
}

function numberOf(version: ModelVersion, name: string): number {
  if (name === "version_number") return Number(version.version);
  return name === "creation_timestamp" ? version.createdMs : version.updatedMs;
}

/** A filter on one name reads that model only. */
async function modelsOf(
  deps: RegistryDeps,
  workspace: string,
  filter: readonly Comparison[],
): Promise<readonly RegisteredModel[]> {
  const name = filter.find((each) => each.entity === "attribute" && each.key === "name" && each.op === "=")?.value;
  if (typeof name !== "string") return deps.models.list(workspace);
  if (name === "") return [];
  const model = await deps.models.get(workspace, name);
  return model === undefined ? [] : [model];
}
