import { invalid } from "./errors.ts";
import { parseFilter, parseOrderBy } from "./filter.ts";
import { RUNS } from "./grammars.ts";
import { experimentId } from "./names.ts";
import { decodeToken, encodeToken } from "./paging.ts";
import type { DatasetBrief, Experiment, ExperimentStore, Run, RunQuery, RunSearch, RunStore } from "./ports.ts";

export interface SearchDeps {
  readonly runs: RunStore;
  readonly search: RunSearch;
  readonly experiments: ExperimentStore;
}

const RESULTS_LIMIT = 50_000;
const SEARCHES_LIMIT = 20;

/** Runs of experiments, filtered and in order; a page token continues its own query. */
export async function searchRuns(
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
): Promise<{ readonly runs: readonly Run[]; readonly next?: string }> {
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
  const { found, next } = await findThere(deps, {
    workspace,
    experimentIds,
    filter,
    orderBy,
    view: query.view,
    deletedExperimentIds,
    limit,
    ...(after === undefined ? {} : { after }),
  });
  const runs = found.map(
    (run): Run => (deletedExperimentIds.has(run.experimentId) ? { ...run, lifecycle: "deleted" } : run),
  );
  return { runs, ...(next === undefined ? {} : { next: encodeToken(scope, next) }) };
}

/** A run found may have been purged by another process meanwhile: then the search is done again without it. */
async function findThere(deps: SearchDeps, query: RunQuery) {
  for (let again = 0; ; again++) {
    const { runIds, next } = await deps.search.search(query);
    const found = await deps.runs.getMany(query.workspace, runIds);
    if (found.length === runIds.length || again === SEARCHES_LIMIT) return { found, next };
    const there = new Set(found.map(({ runId }) => runId));
    deps.search.doubt(
      query.workspace,
      runIds.filter((runId) => !there.has(runId)),
    );
  }
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
