import type { JobInput } from "../../../contract/jobs.ts";
import type { SweepStep } from "../../../contract/pipelines.ts";
import { SweepJobSpec } from "../../../contract/sweeps.ts";
import type { Findings } from "../../jobs/problems.ts";
import { prepareSweep, type SweepDeps } from "../../sweeps/plan-sweep.ts";
import type { ComponentBody, Port } from "./components.ts";
import { fillAll, type Scope } from "./scope.ts";

const FIELDS = [
  "search_space",
  "sampling_algorithm",
  "objective",
  "limits",
  "early_termination",
  "resources",
  "queue_settings",
] as const;

/** Ports of a sweep step: those of its trial, but for what the search gives. A trial that declares none takes what the step has. */
export function sweepPorts(
  { search_space: space }: SweepStep,
  body: ComponentBody,
): Record<"inputs", Record<string, Port> | undefined> & Record<"outputs", Record<string, Port | null> | undefined> {
  if ((body.inputs ?? body.outputs ?? undefined) === undefined) return { inputs: undefined, outputs: undefined };
  const inputs = Object.entries(body.inputs ?? {}).filter(([name]) => !Object.hasOwn(space, name));
  return { inputs: Object.fromEntries(inputs), outputs: body.outputs ?? {} };
}

/** What a sweep step's job is, once its inputs are known; all that can be found wrong before is found. */
export async function planSearch(
  deps: SweepDeps,
  workspace: string,
  step: SweepStep,
  body: ComponentBody,
  given: {
    readonly base: Readonly<Record<string, unknown>>;
    readonly compute: string | undefined;
    readonly scope: Scope;
    /** With values in place of those that are not known yet. */
    readonly inputs: Record<string, JobInput>;
  },
  findings: Findings,
): Promise<SweepJobSpec | undefined> {
  const fields = FIELDS.flatMap((key) => (step[key] === undefined ? [] : [[key, step[key]] as const]));
  const filled = fillAll({ ...Object.fromEntries(fields), compute: given.compute }, given.scope) as object;
  const parsed = SweepJobSpec.safeParse({ type: "sweep", ...given.base, ...filled, trial: { ...body } });
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues.slice(0, 20)) {
      findings.problems.push({ field: path.join("."), message });
    }
    return undefined;
  }
  const prepared = await prepareSweep(deps, workspace, { ...parsed.data, inputs: given.inputs }, body, 0, findings);
  return prepared === undefined ? undefined : parsed.data;
}
