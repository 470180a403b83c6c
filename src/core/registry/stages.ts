import { invalid } from "../tracking/errors.ts";
import { STAGES, type Stage } from "./ports.ts";

/** A stage as it is kept, whatever its case. */
export function canonicalStage(stage: string): Stage {
  const found = STAGES.find((known) => known.toLowerCase() === stage.toLowerCase());
  if (found === undefined)
    throw invalid(`Invalid Model Version stage: ${stage}. Value must be one of ${STAGES.join(", ")}.`);
  return found;
}
