import type { SweepPlan } from "./plan.ts";
import { countOf, type SweepState } from "./state.ts";

type End = NonNullable<SweepState["end"]>;

/** How a sweep ends whose trials have all ended. It is Completed where a trial is the best one. */
export function endOf(plan: SweepPlan, state: SweepState): End {
  const { stop, best, failure } = state;
  if (stop?.kind === "canceled") return { status: "Canceled", reason: stop.reason };
  const because = failure === undefined ? "" : `: ${failure}`;
  if (stop?.kind === "failing") return { status: "Failed", reason: `${stop.reason}${because}` };
  const early = stop === undefined ? "" : `; ${stop.reason}`;
  if (best !== undefined) {
    const found = `trial ${best} is the best: \`${plan.metric}\` ${state.metrics[best]}`;
    return { status: "Completed", reason: `${found}${countsOf(plan, state)}${early}` };
  }
  if (stop !== undefined) return { status: "Canceled", reason: `${stop.reason}, before a trial completed` };
  if (state.marks.includes("m")) {
    const hint = "it counts under the very name that the script logs";
    return { status: "Failed", reason: `no trial logged the primary metric \`${plan.metric}\`; ${hint}` };
  }
  if (state.marks.includes("f")) return { status: "Failed", reason: `no trial completed${because}` };
  return { status: "Canceled", reason: "all trials were canceled" };
}

/** ` of 20 trials, 3 stopped early, 1 failed`. */
function countsOf({ metric }: SweepPlan, { marks }: SweepState): string {
  const said = [
    [countOf(marks, "p"), "stopped early"],
    [countOf(marks, "f"), "failed"],
    [countOf(marks, "m"), `completed without \`${metric}\``],
    [countOf(marks, "x"), "canceled"],
  ] as const;
  const parts = said.flatMap(([count, words]) => (count > 0 ? [`, ${count} ${words}`] : []));
  return `, of ${marks.length} trial${marks.length === 1 ? "" : "s"}${parts.join("")}`;
}
