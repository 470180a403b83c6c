import type { AdvanceDeps } from "../core/coordinator/advance.ts";
import { type HandsDeps, makeHands, openerOf } from "../core/coordinator/hands.ts";

/** Deciding about composites, over everything that jobs are made with. */
export function advanceDeps(deps: HandsDeps): AdvanceDeps {
  return { coordination: deps.coordination, open: openerOf(deps), hands: makeHands(deps) };
}
