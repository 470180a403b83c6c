import type { AdvanceDeps } from "../core/coordinator/advance.ts";
import { makeDocuments } from "../core/coordinator/documents.ts";
import { type HandsDeps, makeHands, openerOf } from "../core/coordinator/hands.ts";
import { makeComposites } from "../core/coordinator/kinds.ts";
import { makePipelineKind } from "../core/coordinator/pipeline-kind.ts";
import type { StepDeps } from "../core/coordinator/planning/step.ts";
import { makeSweepKind, type SweepKindDeps } from "../core/sweeps/sweep-kind.ts";
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
    composites: makeComposites([makePipelineKind(deps), makeSweepKind({ ...deps, tracking: deps.runs })]),
  };
}

/** Deciding about composites, over everything that jobs are made with. */
export function advanceDeps(deps: HandsDeps): AdvanceDeps {
  return { coordination: deps.coordination, open: openerOf(deps), hands: makeHands(deps) };
}
