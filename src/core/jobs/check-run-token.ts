import { AppError } from "../../contract/errors.ts";
import type { Principal } from "../auth/principal.ts";
import type { Clock } from "../ports/clock.ts";
import type { JobStore } from "./ports.ts";

/** How long a run's token is good after the run's end: stragglers deliver what they have. */
const AFTER_END_MS = 15 * 60_000;
/** How long an answer is kept. */
const KEPT_MS = 5_000;
const KEPT_LIMIT = 1000;

/** Refuses run tokens whose run has been over for a while, or is not there. The answer is kept for moments: a runner asks often. */
export function makeRunTokenCheck(deps: {
  readonly jobs: Pick<JobStore, "get">;
  readonly clock: Clock;
}): (principal: Principal) => Promise<void> {
  const goodUntil = new Map<string, number>();
  return async (principal) => {
    if (principal.kind !== "run") return;
    const { workspace, runId } = principal;
    const key = `${workspace} ${runId}`;
    const now = deps.clock.now();
    if ((goodUntil.get(key) ?? 0) > now) return;
    goodUntil.delete(key);
    const job = await deps.jobs.get(workspace, runId);
    const endMs = job?.endedMs === undefined ? Number.POSITIVE_INFINITY : job.endedMs + AFTER_END_MS;
    if (job === undefined || endMs <= now) {
      throw new AppError("Unauthenticated", `the token of run \`${runId}\` is no longer good: the run is over`);
    }
    if (goodUntil.size >= KEPT_LIMIT) goodUntil.clear();
    goodUntil.set(key, Math.min(endMs, now + KEPT_MS));
  };
}
