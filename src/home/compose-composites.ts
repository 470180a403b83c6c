import { makeDocuments } from "../core/coordinator/documents.ts";
import type { HandsDeps } from "../core/coordinator/hands.ts";
import { makeComposites } from "../core/coordinator/kinds.ts";
import type { StepDeps } from "../core/coordinator/planning/step.ts";
import type { SweepKindDeps } from "../core/sweeps/sweep-kind.ts";
import { openCoordinationStore } from "../store/coordinator.ts";
import { openReuseStore } from "../store/reuse.ts";
import type { Ground } from "./part.ts";

/** What composite jobs are kept in, and the kinds of them. `remembers`: what this process did, it need not write down. */
export function composeComposites(
  ground: Ground,
  deps: StepDeps & Omit<SweepKindDeps, "tracking"> & { readonly runs: SweepKindDeps["tracking"] },
  { remembers }: { readonly remembers: boolean },
): Pick<HandsDeps, "coordination" | "composites" | "documents" | "reuse"> {
  return {
    reuse: openReuseStore(ground),
    coordination: openCoordinationStore({ table: ground.table, remembers }),
    documents: makeDocuments(ground),
    composites: makeComposites({
      pipeline: async () => (await import("../core/coordinator/pipeline-kind.ts")).makePipelineKind(deps),
      sweep: async () => (await import("../core/sweeps/sweep-kind.ts")).makeSweepKind({ ...deps, tracking: deps.runs }),
    }),
  };
}
