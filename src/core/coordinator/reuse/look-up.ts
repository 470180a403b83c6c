import type { JobRecord, Plan } from "../../jobs/record.ts";
import type { Reused } from "../../jobs/submit-job.ts";
import { type ContentsDeps, contentsOf, missingOutput } from "./contents.ts";
import { keyOf, partsOf, type ReuseNote, unverifiable } from "./step-key.ts";

/** Keys of steps that completed. */
export interface ReuseStore {
  /** The job that completed last with this key. */
  find(workspace: string, key: string): Promise<string | undefined>;
}

export interface ReuseDeps extends ContentsDeps {
  readonly reuse: ReuseStore;
}

/** Whether a step may have earlier results: `look`; its own may be later ones', but it runs: `rerun`; none of both: why. */
export type ReuseWish = "look" | "rerun" | { readonly off: string };

/** A step's key, and an earlier job with the same one whose outputs are still there. */
export async function lookUp(
  deps: ReuseDeps,
  workspace: string,
  plan: Plan,
  wish: ReuseWish,
): Promise<{ readonly note: ReuseNote; readonly reused?: Reused }> {
  if (typeof wish !== "string") return { note: wish };
  const off = unverifiable(plan);
  if (off !== undefined) return { note: { off } };
  const inside = await contentsOf(deps, workspace, plan.inputs);
  if ("off" in inside) return { note: inside };
  const parts = partsOf(plan, inside.contents);
  if (parts === undefined) return { note: { off: "it runs no command" } };
  const note = { key: await keyOf(parts), contents: inside.contents };
  if (wish === "rerun") return { note: { ...note, ran: "the pipeline says that all of it is to run again" } };
  const earlier = await findEarlier(deps, workspace, note.key);
  if (earlier === undefined) return { note };
  if ("ran" in earlier) return { note: { ...note, ran: earlier.ran } };
  return { note, reused: { from: earlier.name, outputs: earlier.outputs } };
}

/** Or what keeps the one with the same key from being reused. */
async function findEarlier(
  deps: ReuseDeps,
  workspace: string,
  key: string,
): Promise<JobRecord | { readonly ran: string } | undefined> {
  const name = await deps.reuse.find(workspace, key);
  if (name === undefined) return undefined;
  const job = await deps.jobs.get(workspace, name);
  if (job?.status !== "Completed") return { ran: `job \`${name}\`, which had the same key, is gone` };
  const missing = await missingOutput(deps, job);
  return missing === undefined ? job : { ran: `of job \`${name}\`, which had the same key, ${missing}` };
}
