import { AppError, isAppError } from "../../contract/errors.ts";
import { invalid } from "./errors.ts";
import { createLoggedModel, type LoggedModelDeps } from "./logged-models.ts";
import { checkRunId, experimentId } from "./names.ts";
import type { LoggedModel, Run } from "./ports.ts";
import { mustBePerson } from "./rights.ts";
import { createRun, type RunDeps } from "./runs.ts";

/**
 * A run that another server made, under its own id. Asked again, what stands is answered; Conflict where the id belongs to a job or to another
 * experiment, whose runs no import may touch.
 */
export async function importRun(
  deps: RunDeps,
  input: Parameters<typeof createRun>[1] & { readonly runId: string; readonly experimentId: string },
): Promise<{ readonly run: Run; readonly made: boolean }> {
  mustBePerson(input.principal, "import a run");
  checkRunId(input.runId);
  const standing = await standingRun(deps, input);
  if (standing !== undefined) return { run: standing, made: false };
  try {
    return { run: await createRun(deps, input), made: true };
  } catch (error) {
    const other = isAppError(error) && error.code === "AlreadyExists" ? await standingRun(deps, input) : undefined;
    if (other === undefined) throw error;
    return { run: other, made: false };
  }
}

async function standingRun(
  deps: Pick<RunDeps, "runs">,
  { workspace, runId, experimentId: id }: { workspace: string; runId: string; experimentId: string },
): Promise<Run | undefined> {
  const run = await deps.runs.get(workspace, runId);
  if (run === undefined) return undefined;
  if (run.source === "job") throw new AppError("Conflict", `run \`${runId}\` is a job's of workspace \`${workspace}\``);
  mustBeOf(run.experimentId, id, `run \`${runId}\``);
  return run;
}

/** The same for an MLflow 3 logged model; one that was deleted here stays deleted. */
export async function importLoggedModel(
  deps: LoggedModelDeps,
  input: Parameters<typeof createLoggedModel>[1] & { readonly modelId: string },
): Promise<{ readonly model: LoggedModel; readonly made: boolean }> {
  const { workspace, modelId } = input;
  mustBePerson(input.principal, "import a logged model");
  if (!/^m-[A-Za-z0-9]{1,64}$/.test(modelId)) throw invalid(`Invalid logged model id: '${modelId}'`);
  const known = await deps.loggedModels.get(workspace, modelId);
  if (known === undefined) return { model: await createLoggedModel(deps, input), made: true };
  if (known.deleted)
    throw new AppError("Conflict", `logged model \`${modelId}\` was deleted in workspace \`${workspace}\``);
  mustBeOf(known.experimentId, input.experimentId, `logged model \`${modelId}\``);
  return { model: known, made: false };
}

function mustBeOf(standing: string, wanted: string, what: string): void {
  if (standing === experimentId(wanted)) return;
  throw new AppError("Conflict", `${what} is already in experiment \`${standing}\`, not in \`${wanted}\``);
}
