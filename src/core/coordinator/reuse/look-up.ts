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
  const earlier = wish === "look" ? await findEarlier(deps, workspace, note.key) : undefined;
  if (earlier === undefined) return { note };
  return { note, reused: { from: earlier.name, outputs: earlier.outputs } };
}

async function findEarlier(deps: ReuseDeps, workspace: string, key: string): Promise<JobRecord | undefined> {
  const name = await deps.reuse.find(workspace, key);
  const job = name === undefined ? undefined : await deps.jobs.get(workspace, name);
  if (job?.status !== "Completed" || job.archived) return undefined;
  return (await missingOutput(deps, job)) === undefined ? job : undefined;
}
