import type { Client } from "../client.ts";
import { copyExperiments } from "./experiments.ts";
import { copyRegistry } from "./registry.ts";
import { type Mlflow, makeMlflow } from "./rest.ts";
import { type ImportReport, makeTally } from "./tally.ts";

/**
 * Moves all of an MLflow server, or of what answers like one, into a workspace. What is there and equal is left alone, so it may be interrupted and
 * started again. Throws when an end stops answering; what can't be copied for its own reasons is among the report's problems.
 */
export async function importMlflow(given: {
  readonly source: Mlflow;
  /** As the user wrote it; for the report. */
  readonly name: string;
  readonly target: Client;
  readonly workspace: string;
  readonly onProgress: (text: string) => void;
}): Promise<ImportReport> {
  const { source, target, workspace } = given;
  const tally = makeTally(given.onProgress);
  const ends = {
    from: source,
    to: makeMlflow(target, `/w/${encodeURIComponent(workspace)}`),
    client: target,
    workspace,
    tally,
  };
  await copyExperiments(ends);
  await copyRegistry(ends);
  return tally.report(given.name, workspace);
}
