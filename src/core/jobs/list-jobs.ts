import type { JobSummary } from "../../contract/jobs.ts";
import { slotsOf } from "../computes/slots.ts";
import { type JobCard, summaryOf } from "./card.ts";
import { ownTags } from "./make-run.ts";
import type { JobFilter, JobStore, RunBook } from "./ports.ts";
import { type ShowDeps, waitingReason } from "./show-job.ts";

/** A filter that matches nothing still answers soon; the caller goes on with the cursor. */
const PAGES_AT_ONCE = 10;

export interface ListInput {
  readonly workspace: string;
  readonly filter: JobFilter;
  /** `key` or `key=value`. */
  readonly tag?: string;
  readonly limit: number;
  readonly cursor?: string;
}

/** Jobs, newest first. */
export async function listJobs(
  deps: ShowDeps & { readonly jobs: JobStore; readonly runs: RunBook },
  input: ListInput,
): Promise<{ readonly items: JobSummary[]; readonly next_cursor?: string }> {
  const { workspace, filter, tag, limit } = input;
  const items: JobSummary[] = [];
  let cursor = input.cursor;
  for (let pages = 0; pages < PAGES_AT_ONCE; pages++) {
    const page = await deps.jobs.list({
      workspace,
      filter,
      limit: limit - items.length,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const untold = page.jobs.filter((job) => job.tags === undefined).map(({ name }) => name);
    const tags = await deps.runs.tagsOf(workspace, untold);
    const reasons = await waitingReasons(deps, workspace, page.jobs);
    for (const job of page.jobs) {
      const own = job.tags ?? tags.get(job.name) ?? {};
      if (tag !== undefined && !hasTag(own, tag)) continue;
      const reason = reasons.get(job.name);
      items.push({ ...summaryOf(job, own), ...(reason === undefined ? {} : { status_reason: reason }) });
    }
    cursor = page.cursor;
    if (cursor === undefined || items.length >= limit) break;
  }
  return { items, ...(cursor === undefined ? {} : { next_cursor: cursor }) };
}

function hasTag(tags: Readonly<Record<string, string>>, tag: string): boolean {
  const own = ownTags(tags);
  const equals = tag.indexOf("=");
  if (equals < 0) return Object.hasOwn(own, tag);
  const key = tag.slice(0, equals);
  return Object.hasOwn(own, key) && own[key] === tag.slice(equals + 1);
}

async function waitingReasons(
  deps: ShowDeps,
  workspace: string,
  jobs: readonly JobCard[],
): Promise<ReadonlyMap<string, string>> {
  const waiting = jobs.filter((job) => job.status === "Queued" && job.isNew && job.coordinated !== true);
  const reasons = new Map<string, string>();
  for (const compute of new Set(waiting.map((job) => job.compute))) {
    const [queue, record] = await Promise.all([
      deps.jobs.queue(workspace, compute),
      deps.computes.get(workspace, compute),
    ]);
    const slots = record === undefined ? undefined : slotsOf(record, deps.defaultSlots);
    for (const job of waiting) if (job.compute === compute) reasons.set(job.name, waitingReason(job, queue, slots));
  }
  return reasons;
}
