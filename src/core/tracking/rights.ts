import { AppError } from "../../contract/errors.ts";
import type { Principal } from "../auth/principal.ts";
import type { LoggedModel, Run, RunStore } from "./ports.ts";

const DEPTH_LIMIT = 64;

/** A run's token writes that run and its descendants, nothing else. */
export async function mayWriteRun(runs: Pick<RunStore, "get">, principal: Principal, run: Run): Promise<void> {
  if (principal.kind !== "run") return;
  let current: Run | undefined = run;
  for (let depth = 0; current !== undefined && depth < DEPTH_LIMIT; depth++) {
    if (current.runId === principal.runId) return;
    const parent: string | undefined = current.parentRunId;
    current = parent === undefined ? undefined : await runs.get(run.workspace, parent);
  }
  throw new AppError(
    "Forbidden",
    `\`${principal.name}\` may write its own run and the runs below it, not run \`${run.runId}\``,
    {
      hint: "use a person's token",
    },
  );
}

export async function mayWriteLoggedModel(
  runs: Pick<RunStore, "get">,
  principal: Principal,
  model: LoggedModel,
): Promise<void> {
  if (principal.kind !== "run") return;
  const run = model.sourceRunId === "" ? undefined : await runs.get(model.workspace, model.sourceRunId);
  if (run === undefined) {
    throw new AppError(
      "Forbidden",
      `\`${principal.name}\` may write logged models of its own run, not \`${model.modelId}\``,
    );
  }
  await mayWriteRun(runs, principal, run);
}

/** Experiments, and whatever is not a run's, are not for run tokens. */
export function mustBePerson(principal: Principal, what: string, why = "that takes a person's token"): void {
  if (principal.kind !== "user") throw new AppError("Forbidden", `\`${principal.name}\` may not ${what}: ${why}`);
}
