import { invalid } from "./errors.ts";
import { parseFilter, parseOrderBy } from "./filter.ts";
import { RUNS } from "./grammars.ts";
import { experimentId } from "./names.ts";
import { decodeToken, encodeToken } from "./paging.ts";
import type { DatasetBrief, Experiment, ExperimentStore, RunQuery, RunSearch, RunView } from "./ports.ts";

/** A run of a page: what the caller keeps of it, or the run, and the version to keep it by (absent: it is not to be kept). */
export type PageRun<T> =
  | { readonly kept: T; readonly run?: undefined }
  | { readonly kept?: undefined; readonly run: RunView; readonly version: number | undefined };

export interface SearchDeps {
  readonly search: RunSearch;
  readonly experiments: ExperimentStore;
}

const RESULTS_LIMIT = 50_000;

/** Runs of experiments, filtered and in order; a page token continues its own query. Those that `keptOf` has by their version are taken from there. */
export async function searchRuns<T = never>(
  deps: SearchDeps,
  workspace: string,
  query: {
    readonly experimentIds: readonly string[];
    readonly filter?: string | undefined;
    readonly orderBy: readonly string[];
    readonly view: "active" | "deleted" | "all";
    readonly maxResults?: number | undefined;
    readonly pageToken?: string | undefined;
  },
  keptOf: (version: number) => T | undefined = () => undefined,
): Promise<{ readonly runs: readonly PageRun<T>[]; readonly next?: string }> {
  const limit = query.maxResults ?? 1000;
  if (limit < 1)
    throw invalid(`Invalid value ${limit} for parameter 'max_results' supplied. It must be a positive integer`);
  if (limit > RESULTS_LIMIT) {
    throw invalid(
      `Invalid value ${limit} for parameter 'max_results' supplied:  Hint: Value was of type 'int'. See the API docs for more information about request parameters.`,
    );
  }
  const filter = parseFilter(query.filter, RUNS);
  const orderBy = parseOrderBy(query.orderBy, RUNS);
  const experimentIds = query.experimentIds.map(experimentId);
  const scope = JSON.stringify(["runs", [...experimentIds].sort(), query.filter ?? "", query.orderBy, query.view]);
  const after = query.pageToken ? decodeToken(scope, query.pageToken) : undefined;
  const deletedExperimentIds = await deps.experiments.deleted(workspace);
  const asked: RunQuery = {
    workspace,
    experimentIds,
    filter,
    orderBy,
    view: query.view,
    deletedExperimentIds,
    limit,
    ...(after === undefined ? {} : { after }),
  };
  const isDeleted = experimentIds.some((id) => deletedExperimentIds.has(id));
  // What is kept of a run does not tell that its experiment was deleted.
  const kept = new Map<number, T>();
  const isWanted = (version: number): boolean => {
    const known = isDeleted ? undefined : keptOf(version);
    if (known !== undefined) kept.set(version, known);
    return known === undefined;
  };
  const { found, next } = await deps.search.search(asked, isWanted);
  const runs = found.flatMap(({ version, run }): PageRun<T> | [] => {
    if (run !== undefined) return isDeleted ? deletedIn(run, deletedExperimentIds) : { run, version };
    const known = kept.get(version);
    return known === undefined ? [] : { kept: known };
  });
  return { runs, ...(next === undefined ? {} : { next: encodeToken(scope, next) }) };
}

function deletedIn(run: RunView, experimentIds: ReadonlySet<string>): PageRun<never> {
  const isDeleted = experimentIds.has(run.experimentId);
  return { run: isDeleted ? { ...run, lifecycle: "deleted" } : run, version: undefined };
}

const DATASET_EXPERIMENTS_LIMIT = 20;
const DATASETS_LIMIT = 1000;

/** What datasets the runs of experiments used, each once a context. */
export async function searchDatasets(
  deps: Pick<SearchDeps, "search" | "experiments">,
  workspace: string,
  experimentIds: readonly string[],
): Promise<readonly (DatasetBrief & { readonly experimentId: string })[]> {
  if (experimentIds.length === 0) throw invalid("SearchDatasets request must specify at least one experiment_id.");
  if (experimentIds.length > DATASET_EXPERIMENTS_LIMIT) {
    throw invalid(
      `SearchDatasets request cannot specify more than ${DATASET_EXPERIMENTS_LIMIT} experiment_ids. Received ${experimentIds.length} experiment_ids.`,
    );
  }
  const found: (DatasetBrief & { experimentId: string })[] = [];
  for (const id of new Set(experimentIds.map(experimentId))) {
    const known: Experiment | undefined = await deps.experiments.get(workspace, id);
    if (known === undefined || known.lifecycle === "deleted") continue;
    for (const brief of await deps.search.datasets(workspace, known.id))
      found.push({ ...brief, experimentId: known.id });
  }
  return found.slice(0, DATASETS_LIMIT);
}
