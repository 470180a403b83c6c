import { AppError } from "../contract/errors.ts";
import type { ActivityWrite } from "../core/activities/ports.ts";
import { LOCAL_COMPUTE } from "../core/computes/record.ts";
import { endRow, ownRow } from "../core/coordinator/ended.ts";
import { cardOf, type JobCard } from "../core/jobs/card.ts";
import type { Deed, JobFilter, JobStore, Leftover, QueueEntry } from "../core/jobs/ports.ts";
import { currentAttempt, type JobRecord } from "../core/jobs/record.ts";
import { isFinal, mlflowStatus } from "../core/jobs/state.ts";
import { ABSENT, type Item, PRESENT, type Query, type Table, type Value, type Write } from "../core/ports/table.ts";
import { inboxWrite } from "./coordinator.ts";
import {
  compositeKey,
  computeKey,
  jobChildren,
  jobKey,
  jobList,
  leftoverKey,
  modelHeadKey,
  queueKey,
  workspaceKey,
} from "./facts/keys.ts";
import { cardFrom, cardWrite } from "./job-cards.ts";
import { type Edge, edgeWrites, fitEdges } from "./lineage.ts";
import { reuseWrites } from "./reuse.ts";
import { runCreateWrites, runStatusWrites } from "./runs.ts";

/** Records looked at for one page at most; a filter that matches less answers a short page with a cursor. */
const LOOKED_AT_LIMIT = 2000;

/** Jobs over the record store: the JOB item stands beside the RUN item, one transaction writes both. */
export function openJobStore(deps: { readonly table: Table; readonly activity: ActivityWrite }): JobStore {
  const { table, activity } = deps;
  const deedWrite = (job: JobRecord, deed: Deed): Write =>
    activity({ workspace: job.workspace, resource: "job", name: job.name, after: { status: job.status }, ...deed });

  return {
    async create(job, run, deed) {
      const [head, feed] = runCreateWrites(run);
      const writes: Write[] = [
        { kind: "put", item: itemOf(job), when: ABSENT },
        { kind: "put", item: { ...head.item, card: true }, when: ABSENT },
        feed,
        cardWrite(job, new Map(Object.entries(run.tags))),
        ...placeWrites(job),
        ...tellWrites(undefined, job),
        { kind: "check", key: workspaceKey(job.workspace), when: [...PRESENT, { attr: "deletesMs", op: "absent" }] },
        deedWrite(job, deed),
      ];
      if (job.compute !== LOCAL_COMPUTE && job.coordinated !== true) {
        writes.push({ kind: "check", key: computeKey(job.workspace, job.compute), when: PRESENT });
      }
      const edges = edgeWrites(job.workspace, await inputEdges(table, job));
      const result = await table.transact([...writes, ...(await fitEdges(table, edges, writes.length))]);
      if (result.ok) return {};
      const standing = result.failed.find(({ item }) => item?.type === "JOB" || item?.type === "RUN");
      if (standing === undefined) throw missingPlace(job);
      const taken = await table.get(jobKey(job.workspace, job.name));
      return { taken: { job: taken === undefined ? undefined : jobOf(taken) } };
    },
    async get(workspace, name) {
      const item = await table.get(jobKey(workspace, name));
      return item === undefined ? undefined : jobOf(item);
    },
    async save(before, after, deed, also = []) {
      const writes: Write[] = [
        { kind: "put", item: itemOf(after), when: [{ attr: "rev", op: "eq", value: before.rev }] },
        cardWrite(after),
        ...statusWrites(before, after),
        ...(after.coordinated === true ? compositeWrites(before, after) : queueWrites(before, after)),
        ...tellWrites(before, after),
        ...reuseWrites(before, after),
        ...also,
      ];
      if (deed !== undefined) writes.push(deedWrite(after, deed));
      return (await table.transact(writes)).ok;
    },
    list: (query) => listJobs(table, query),
    async records(query) {
      const { jobs, ...more } = await listJobs(table, { ...query, filter: { archived: "all" } });
      const items = await table.batchGet(jobs.map(({ name }) => jobKey(query.workspace, name)));
      return { jobs: items.map(jobOf), ...more };
    },
    queue: (workspace, compute, maxWaiting) => readQueue(table, workspace, compute, maxWaiting),
    async countChildren(workspace, parent) {
      let count = 0;
      let cursor: string | undefined;
      do {
        const page = await table.query({
          index: "gsi2",
          pk: jobChildren(workspace, parent),
          ...(cursor === undefined ? {} : { cursor }),
        });
        count += page.items.length;
        cursor = page.cursor;
      } while (cursor !== undefined);
      return count;
    },
    async openComposites(workspace) {
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const { pk } = compositeKey(workspace, "-");
        const page = await table.query({ pk, ...(cursor === undefined ? {} : { cursor }) });
        names.push(...page.items.map(({ sk }) => sk));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return names;
    },
    async leftovers(workspace) {
      const page = await table.query({ pk: leftoverKey(workspace, "-").pk });
      return page.items.map((item) => item as unknown as Leftover);
    },
    async cleaned({ workspace, attemptId }) {
      await table.transact([{ kind: "delete", key: leftoverKey(workspace, attemptId) }]);
    },
  };
}

/** Which jobs used an asset; which assets a job used is in its own record. */
async function inputEdges(table: Table, job: JobRecord): Promise<Edge[]> {
  const edges = Object.entries(job.inputs).map(async ([label, { asset = "", type }]): Promise<Edge[]> => {
    const [, name, version] = /^azureml:([^:]+):([^:]+)$/.exec(asset) ?? [];
    if (name === undefined || version === undefined) return [];
    const step = { thing: { kind: "run", name: job.name }, role: "input", label } as const;
    if (!type.endsWith("_model")) return [{ of: { kind: "data", name, version }, direction: "down", step }];
    const head = await table.get(modelHeadKey(job.workspace, name));
    return head === undefined
      ? []
      : [{ of: { kind: "model", name: String(head.id), version }, direction: "down", step }];
  });
  return (await Promise.all(edges)).flat();
}

function missingPlace(job: JobRecord): AppError {
  const { workspace, compute } = job;
  if (compute === LOCAL_COMPUTE) return new AppError("NotFound", `there is no workspace \`${workspace}\``);
  return new AppError("NotFound", `workspace \`${workspace}\` has no compute \`${compute}\` any more`);
}

function itemOf(job: JobRecord): Item {
  return { ...jobKey(job.workspace, job.name), type: "JOB", v: 1, rev: job.rev, job: withoutUndefined(job) };
}

/** Records are made of JSON; optional fields that are undefined are left out, as in the item. */
function withoutUndefined(job: JobRecord): Value {
  return JSON.parse(JSON.stringify(job)) as Value;
}

function jobOf(item: Item): JobRecord {
  if (item.type !== "JOB" || item.v !== 1 || typeof item.job !== "object") {
    throw new AppError("Internal", `item \`${item.pk}\` is not a job of a known shape`);
  }
  return item.job as unknown as JobRecord;
}

/** Where a new job waits: in the queue of its compute, or among the composites. One that is final already waits nowhere. */
function placeWrites(job: JobRecord): Write[] {
  if (isFinal(job.status)) return [];
  if (job.coordinated !== true) return [{ kind: "put", item: queueItem(job, false) }];
  return [{ kind: "put", item: { ...compositeKey(job.workspace, job.name), type: "COMPOSITE", v: 1 } }];
}

function compositeWrites(before: JobRecord, after: JobRecord): Write[] {
  if (isFinal(before.status) || !isFinal(after.status)) return [];
  return [{ kind: "delete", key: compositeKey(after.workspace, after.name) }];
}

/** Tells composites what happens to them, and to their children. */
function tellWrites(before: JobRecord | undefined, after: JobRecord): Write[] {
  const { workspace, name, composite } = after;
  const own = ownRow(before, after);
  const isEnd = before === undefined || !isFinal(before.status);
  const row = isEnd ? endRow(after) : undefined;
  return [
    ...(own === undefined ? [] : [inboxWrite(workspace, name, own)]),
    ...(row === undefined || composite === undefined ? [] : [inboxWrite(workspace, composite.parent, row)]),
  ];
}

function queueItem(job: JobRecord, holds: boolean): Item {
  const key = queueKey(job.workspace, job.compute, job.queueSeq);
  return { ...key, type: "QUEUE", v: 1, job: job.name, seq: job.queueSeq, holds };
}

/** A slot is held from the claim to the end, by one attempt after the other. Each end leaves a note of what is to be tidied. */
function queueWrites(before: JobRecord, after: JobRecord): Write[] {
  if (isFinal(before.status)) return lateHandle(before, after);
  const handle = currentAttempt(after)?.handle;
  if (isFinal(after.status)) {
    const gone: Write = { kind: "delete", key: queueKey(after.workspace, after.compute, after.queueSeq) };
    return handle === undefined ? [gone] : [gone, leftoverWrite(after)];
  }
  if (before.attempts.length === 0 && after.attempts.length > 0) {
    return [{ kind: "put", item: queueItem(after, true), when: PRESENT }];
  }
  const isReplaced = currentAttempt(before)?.id !== currentAttempt(after)?.id;
  return isReplaced && currentAttempt(before)?.handle !== undefined ? [leftoverWrite(before)] : [];
}

/** A runner can be quicker than the note of its hand-over. */
function lateHandle(before: JobRecord, after: JobRecord): Write[] {
  const isNew = currentAttempt(before)?.handle === undefined && currentAttempt(after)?.handle !== undefined;
  return isNew ? [leftoverWrite(after)] : [];
}

function leftoverWrite(job: JobRecord): Write {
  const attempt = currentAttempt(job);
  const attemptId = attempt?.id ?? job.name;
  const { workspace, compute } = job;
  const key = leftoverKey(workspace, attemptId);
  return {
    kind: "put",
    item: { ...key, type: "LEFTOVER", v: 1, workspace, compute, attemptId, handle: attempt?.handle ?? "" },
  };
}

function statusWrites(before: JobRecord, after: JobRecord): Write[] {
  const status = mlflowStatus(after.status);
  const started = after.startedMs !== before.startedMs;
  const ended = after.endedMs !== before.endedMs;
  if (status === mlflowStatus(before.status) && !started && !ended) return [];
  return runStatusWrites(after.workspace, after.name, {
    status,
    ...(after.startedMs === undefined || !started ? {} : { startMs: after.startedMs }),
    ...(after.endedMs === undefined || !ended ? {} : { endMs: after.endedMs }),
  });
}

async function listJobs(
  table: Table,
  query: Parameters<JobStore["list"]>[0],
): Promise<{ readonly jobs: readonly JobCard[]; readonly cursor?: string }> {
  const { workspace, filter, limit } = query;
  const jobs: JobCard[] = [];
  let { cursor } = query;
  for (let looked = 0; looked < LOOKED_AT_LIMIT; looked += limit) {
    // Never more than is still wanted, so that the page's cursor is always where the answer ends.
    const page = await table.query({
      ...(filter.parent === undefined
        ? { index: "gsi1", pk: jobList(workspace) }
        : { index: "gsi2", pk: jobChildren(workspace, filter.parent) }),
      reverse: true,
      limit: limit - jobs.length,
      ...(cursor === undefined ? {} : { cursor }),
    });
    jobs.push(...page.items.map(listedOf).filter((job) => matches(job, filter)));
    cursor = page.cursor;
    if (cursor === undefined || jobs.length >= limit) break;
  }
  return { jobs, ...(cursor === undefined ? {} : { cursor }) };
}

/** A job that was written last before there were cards stands in the lists itself. */
function listedOf(item: Item): JobCard {
  return item.type === "JOB-CARD" ? cardFrom(item) : cardOf(jobOf(item));
}

function matches(job: JobCard, filter: JobFilter): boolean {
  return (
    (filter.archived === "all" || job.archived === filter.archived) &&
    (filter.status === undefined || job.status === filter.status) &&
    (filter.experimentName === undefined || job.experimentName === filter.experimentName) &&
    (filter.compute === undefined || job.compute === filter.compute) &&
    (filter.parent === undefined || job.parent === filter.parent) &&
    (filter.createdBy === undefined || job.createdBy === filter.createdBy)
  );
}

/** Slots are few mostly: their holders, and who is next, are on a first page. */
const FIRST_IN_QUEUE = 64;
/** Places of high, usual and low priority (submit-job.ts). */
const PRIORITIES = [
  { from: "+", to: "/" },
  { from: "0", to: "}" },
  { from: "~", to: "~~" },
];

/** Where places are many, only the beginning of each priority: there, too, they are given out in order. */
async function readQueue(
  table: Table,
  workspace: string,
  compute: string,
  maxWaiting = Number.POSITIVE_INFINITY,
): Promise<readonly QueueEntry[]> {
  const { pk } = queueKey(workspace, compute, "-");
  if (maxWaiting >= FIRST_IN_QUEUE) return readPlaces(table, { pk }, maxWaiting);
  const page = await table.query({ pk, limit: FIRST_IN_QUEUE });
  if (page.cursor === undefined) return page.items.map(entryOf);
  const parts = await Promise.all(
    PRIORITIES.map((sk) => readPlaces(table, { pk, sk, limit: FIRST_IN_QUEUE }, maxWaiting)),
  );
  return parts.flat();
}

async function readPlaces(table: Table, query: Query, maxWaiting: number): Promise<readonly QueueEntry[]> {
  const entries: QueueEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.query({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    entries.push(...page.items.map(entryOf));
    cursor = page.cursor;
  } while (cursor !== undefined && entries.filter(({ holds }) => !holds).length <= maxWaiting);
  return entries;
}

function entryOf({ job, seq, holds }: Item): QueueEntry {
  return { job: String(job), seq: String(seq), holds: holds === true };
}
