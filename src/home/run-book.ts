import type { RunBook, RunFacts } from "../core/jobs/ports.ts";
import type { RunChange, RunStore } from "../core/tracking/ports.ts";

/** What jobs want of the tracking room's runs. */
export function makeRunBook(runs: RunStore): RunBook {
  return {
    async read(workspace, runId): Promise<RunFacts> {
      const run = await runs.get(workspace, runId);
      if (run === undefined) return { tags: {}, params: {}, metrics: {} };
      return {
        tags: Object.fromEntries(run.tags),
        params: Object.fromEntries(run.params),
        metrics: Object.fromEntries([...run.metrics].map(([key, summary]) => [key, summary.value])),
      };
    },
    async tagsOf(workspace, runIds) {
      const found = runIds.length === 0 ? [] : await runs.getMany(workspace, runIds);
      return new Map(found.map((run) => [run.runId, Object.fromEntries(run.tags)]));
    },
    async change(workspace, runId, { name, tags }) {
      const change: RunChange = {
        ...(name === undefined ? {} : { name }),
        ...(tags === undefined ? {} : { tags: new Map(Object.entries(tags)) }),
      };
      await runs.change(workspace, runId, () => change);
    },
  };
}
