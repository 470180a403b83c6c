import type { JobSpec } from "../../contract/jobs.ts";
import type { CompositeDocument } from "../coordinator/document.ts";
import type { Composites } from "../coordinator/kinds.ts";
import type { CommandDeps, PreparedCommand } from "./plan-command-job.ts";
import type { Findings } from "./problems.ts";
import type { Plan } from "./record.ts";

export interface PlanDeps extends CommandDeps {
  readonly composites: Composites;
}

/** Checks a job against the workspace and resolves all it refers to. The plan is absent where something is wrong; the document is a composite job's. */
export async function planJob(
  deps: PlanDeps,
  workspace: string,
  job: string,
  spec: JobSpec,
  prepared?: PreparedCommand,
): Promise<Findings & { readonly plan?: Plan; readonly document?: CompositeDocument }> {
  if (spec.type === "command") {
    const { planCommandJob } = await import("./plan-command-job.ts");
    return planCommandJob(deps, workspace, job, spec, prepared);
  }
  const kind = await deps.composites.of(spec.type);
  return kind.plan(workspace, job, spec);
}
