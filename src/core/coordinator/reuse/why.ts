import type { StepReuse } from "../../../contract/reuse.ts";
import type { Files } from "../../files/ports.ts";
import { requireJob } from "../../jobs/get-job.ts";
import type { JobStore } from "../../jobs/ports.ts";
import type { JobRecord } from "../../jobs/record.ts";
import { childId } from "../child-id.ts";
import { type Difference, differences, partsOfJob } from "./step-key.ts";

interface WhyDeps {
  readonly jobs: JobStore;
  readonly files: Files;
}

/** Earlier pipelines of the experiment that are looked through for the same step. */
const EARLIER = 20;
const PAGES = 5;
const PAGE = 1000;
/** Files that are named where code differs. */
const FILES = 10;

/** Why a step ran or did not; of a pipeline: of each of its steps that has a job. */
export async function whyReused(deps: WhyDeps, workspace: string, name: string): Promise<readonly StepReuse[]> {
  const job = await requireJob(deps.jobs, workspace, name);
  const steps = job.coordinated === true ? await childrenOf(deps, job) : [job];
  const earlier = await earlierRoots(deps, job);
  return Promise.all(steps.map((step) => whyStep(deps, step, earlier)));
}

async function whyStep(deps: WhyDeps, job: JobRecord, earlier: () => Promise<readonly string[]>): Promise<StepReuse> {
  const base = {
    key: job.composite?.child ?? job.name,
    job: job.name,
    type: job.spec.type,
    differences: [],
  };
  const { reuse, reusedFrom } = job;
  if (reusedFrom !== undefined) return { ...base, reused_from: reusedFrom };
  if (reuse === undefined) {
    const isStep = job.composite !== undefined && job.coordinated !== true;
    return isStep || job.composite === undefined ? { ...base, reason: "only steps of pipelines are reused" } : base;
  }
  if ("off" in reuse) return { ...base, reason: reuse.off };
  if (reuse.ran !== undefined) return { ...base, reason: reuse.ran };
  const nearest = await nearestOf(deps, job, await earlier());
  if (nearest === undefined) return { ...base, reason: "it is the first of its kind in this experiment" };
  const found = await Promise.all(nearest.differences.map((difference) => withFiles(deps, job.workspace, difference)));
  const same = `job \`${nearest.job.name}\` has the same key, and is ${nearest.job.status}`;
  return { ...base, nearest: nearest.job.name, differences: found, ...(found.length === 0 ? { reason: same } : {}) };
}

/** The same step of earlier pipelines; of those that differ in as many parts, the latest. */
async function nearestOf(
  { jobs }: WhyDeps,
  job: JobRecord,
  roots: readonly string[],
): Promise<{ readonly job: JobRecord; readonly differences: readonly Difference[] } | undefined> {
  const parts = partsOfJob(job);
  const path = await pathOf(jobs, job);
  if (parts === undefined || path === undefined) return undefined;
  const candidates = await Promise.all(roots.map((root) => jobAt(jobs, job.workspace, root, path)));
  let best: { readonly job: JobRecord; readonly differences: readonly Difference[] } | undefined;
  for (const candidate of candidates) {
    const before = candidate === undefined ? undefined : partsOfJob(candidate);
    if (candidate === undefined || before === undefined) continue;
    const found = differences(before, parts);
    if (best === undefined || found.length < best.differences.length) best = { job: candidate, differences: found };
  }
  return best;
}

/** Keys from the root down to a job. */
async function pathOf(jobs: JobStore, job: JobRecord): Promise<readonly string[] | undefined> {
  const path: string[] = [];
  for (let at: JobRecord | undefined = job; at?.composite !== undefined; ) {
    path.unshift(at.composite.child);
    at = await jobs.get(job.workspace, at.composite.parent);
  }
  return path.length === 0 ? undefined : path;
}

async function jobAt(
  jobs: JobStore,
  workspace: string,
  root: string,
  path: readonly string[],
): Promise<JobRecord | undefined> {
  let id = root;
  for (const key of path) id = await childId(id, key);
  return jobs.get(workspace, id);
}

/** Pipelines of the same experiment that were submitted before, the latest first; asked for once, when somebody wants to know. */
async function earlierRoots({ jobs }: WhyDeps, job: JobRecord): Promise<() => Promise<readonly string[]>> {
  const { workspace, experimentName } = job;
  const root = await jobs.get(workspace, job.composite?.root ?? job.name);
  const find = async (): Promise<readonly string[]> => {
    const roots: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES && roots.length < EARLIER; page++) {
      const filter = { experimentName, archived: "all" } as const;
      const found = await jobs.list({ workspace, filter, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      for (const { name, coordinated, composite, createdMs } of found.jobs) {
        const isEarlier = name !== root?.name && createdMs <= (root?.createdMs ?? 0);
        if (coordinated === true && composite === undefined && isEarlier) roots.push(name);
      }
      cursor = found.cursor;
      if (cursor === undefined) break;
    }
    return roots.slice(0, EARLIER);
  };
  let found: Promise<readonly string[]> | undefined;
  return () => {
    found ??= find();
    return found;
  };
}

async function childrenOf({ jobs }: WhyDeps, { workspace, name }: JobRecord): Promise<readonly JobRecord[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const filter = { parent: name, archived: "all" } as const;
    const page = await jobs.list({ workspace, filter, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    names.push(...page.jobs.filter(({ composite }) => composite?.parent === name).map((job) => job.name));
    cursor = page.cursor;
  } while (cursor !== undefined);
  const children = await Promise.all(names.reverse().map((child) => jobs.get(workspace, child)));
  return children.filter((child) => child !== undefined);
}

async function withFiles({ files }: WhyDeps, workspace: string, difference: Difference) {
  const { part, before, after } = difference;
  if (part !== "code" || before === undefined || after === undefined) return difference;
  const [old, now] = await Promise.all([hashes(files, workspace, before), hashes(files, workspace, after)]);
  const changed = [...new Set([...now.keys(), ...old.keys()])].filter((path) => old.get(path) !== now.get(path));
  return { ...difference, files: changed.slice(0, FILES) };
}

/** Of a tree; of none where it is gone, or where there is no code. */
async function hashes(files: Files, workspace: string, uri: string): Promise<ReadonlyMap<string, string>> {
  try {
    const listing = await files.list(workspace, uri);
    return new Map(listing.files.map(({ path, sha256, executable }) => [path, `${sha256}${executable === true}`]));
  } catch {
    return new Map();
  }
}
