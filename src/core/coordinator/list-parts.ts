import type { StepState } from "../../contract/pipelines.ts";
import type { JobCard } from "../jobs/card.ts";
import { requireJob } from "../jobs/get-job.ts";
import type { JobStore } from "../jobs/ports.ts";
import { isFinal } from "../jobs/state.ts";
import type { Documents } from "./documents.ts";
import type { Composites, PartSketch } from "./kinds.ts";
import type { CoordinationStore } from "./ports.ts";

const PAGE = 1000;
const CHILDREN_LIMIT = 10_000;

/** The parts of a composite job in the order of its plan, each with its job where it has one. A job that is none has no parts. */
export async function listParts(
  deps: {
    readonly jobs: JobStore;
    readonly documents: Documents;
    readonly composites: Composites;
    readonly coordination: CoordinationStore;
  },
  workspace: string,
  name: string,
): Promise<readonly StepState[]> {
  const job = await requireJob(deps.jobs, workspace, name);
  if (job.coordinated !== true) return [];
  const [document, record, children] = await Promise.all([
    deps.documents.get(job),
    deps.coordination.read(workspace, name),
    childrenOf(deps.jobs, workspace, name),
  ]);
  const { sketch } = await deps.composites.of(job.spec.type);
  if (sketch === undefined) return children.map((child) => partOf(child, []));
  const byKey = new Map(children.map((child) => [keyOf(child), child]));
  return sketch(document, record?.state).flatMap((part) => {
    const own = byKey.get(part.key);
    if (own !== undefined) return [partOf(own, part.after, part.note)];
    const rounds = children.filter((child) => keyOf(child).startsWith(`${part.key}#`));
    return [sketched(part, isFinal(job.status)), ...rounds.map((child) => partOf(child, [part.key]))];
  });
}

const keyOf = (job: JobCard): string => job.composite?.child ?? job.name;

async function childrenOf(jobs: JobStore, workspace: string, parent: string): Promise<readonly JobCard[]> {
  const children: JobCard[] = [];
  let cursor: string | undefined;
  do {
    const page = await jobs.list({
      workspace,
      filter: { parent, archived: "all" },
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    children.push(...page.jobs.filter((job) => job.composite?.parent === parent));
    cursor = page.cursor;
  } while (cursor !== undefined && children.length < CHILDREN_LIMIT);
  return children.reverse();
}

function sketched({ key, type, after, status, reason }: PartSketch, isOver: boolean): StepState {
  const shown = isOver && status === "Waiting" ? "Skipped" : status;
  return { key, type, after: [...after], status: shown, ...(reason === undefined ? {} : { status_reason: reason }) };
}

function partOf(job: JobCard, after: readonly string[], note?: string): StepState {
  return {
    key: keyOf(job),
    type: job.spec.type,
    after: [...after],
    status: job.status,
    ...(job.statusReason === undefined ? {} : { status_reason: job.statusReason }),
    ...(note === undefined ? {} : { note }),
    job: job.name,
    ...(job.reusedFrom === undefined ? {} : { reused_from: job.reusedFrom }),
    ...(job.startedMs === undefined ? {} : { started_at: new Date(job.startedMs).toISOString() }),
    ...(job.endedMs === undefined ? {} : { ended_at: new Date(job.endedMs).toISOString() }),
  };
}
