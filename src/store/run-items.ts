import { AppError } from "../contract/errors.ts";
import type { Item, Value } from "../core/ports/table.ts";
import type { DatasetBrief, Lifecycle, MetricSummary, Run, RunStatus } from "../core/tracking/ports.ts";
import { runKey, runPartKey } from "./facts/keys.ts";
import { decodeSummaries, encodeSummaries } from "./metric-codec.ts";
import type { Tail } from "./metric-log.ts";

/** A run, and how its summary lies in items. */
export interface RunDoc extends Run {
  /** 0: tags, params and metrics are in the RUN item; else in that many PART items, by a hash of the key. */
  readonly parts: number;
  readonly feedMs: number;
  /** Its job's card shows its tags. */
  readonly hasCard: boolean;
  readonly datasetCount: number;
  /** Log items so far at each level, and their next number, which grows with each write to the log. */
  readonly logCounts: readonly number[];
  readonly logSeq: number;
  /** Known to who wrote it last; not kept. */
  readonly tail?: Tail | undefined;
}

interface Bag {
  tags: Record<string, string>;
  params: Record<string, string>;
  metrics: Map<string, MetricSummary>;
}

/** Type of a run's item while gc has the run in its trash: no reader knows it. */
export const RUN_IN_TRASH = "RUN-TRASH";

const PART_ROOM_CHARS = 120_000;
const PARTS_LIMIT = 16;

export function hashOf(text: string): number {
  let hash = 7;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash >>> 0;
}

/** Parts a run of this size wants. Throws TooLarge where a run's summary is more than one transaction can rewrite. */
export function partsFor(doc: Pick<RunDoc, "tags" | "params" | "metrics" | "parts">): number {
  let chars = 0;
  for (const [key, value] of doc.tags) chars += key.length + value.length + 8;
  for (const [key, value] of doc.params) chars += key.length + value.length + 8;
  for (const key of doc.metrics.keys()) chars += key.length + 52;
  if (chars <= PART_ROOM_CHARS && doc.parts === 0) return 0;
  let parts = Math.max(doc.parts, 2);
  while (chars / parts > PART_ROOM_CHARS) parts *= 2;
  if (parts > PARTS_LIMIT) {
    throw new AppError(
      "InvalidArgument",
      `a run keeps about ${PART_ROOM_CHARS * PARTS_LIMIT} characters of tags, params and metric names at most`,
    );
  }
  return parts;
}

/** The items to write of `doc`: RUN always, of the parts those whose keys are in `touched` (absent: all). */
export function runItems(doc: RunDoc, touched: Iterable<string> | undefined): Item[] {
  const head = {
    ...runKey(doc.workspace, doc.runId),
    type: "RUN",
    v: 1,
    rev: doc.rev,
    runId: doc.runId,
    workspace: doc.workspace,
    experimentId: doc.experimentId,
    name: doc.name,
    userId: doc.userId,
    status: doc.status,
    lifecycle: doc.lifecycle,
    source: doc.source,
    createdMs: doc.createdMs,
    feedMs: doc.feedMs,
    ...(doc.hasCard ? { card: true } : {}),
    artifactUri: doc.artifactUri,
    ...(doc.startMs === undefined ? {} : { startMs: doc.startMs }),
    ...(doc.endMs === undefined ? {} : { endMs: doc.endMs }),
    ...(doc.deletedMs === undefined ? {} : { deletedMs: doc.deletedMs }),
    ...(doc.parentRunId === undefined ? {} : { parentRunId: doc.parentRunId }),
    ...(doc.parts === 0 ? {} : { parts: doc.parts }),
    ...(doc.datasets.length === 0
      ? {}
      : { datasets: doc.datasets as unknown as Value, datasetCount: doc.datasetCount }),
    ...(doc.modelInputs.length === 0 ? {} : { modelInputs: [...doc.modelInputs] }),
    ...(doc.modelOutputs.length === 0 ? {} : { modelOutputs: doc.modelOutputs.map((output) => ({ ...output })) }),
    ...(doc.logSeq === 0 ? {} : { logSeq: doc.logSeq, logCounts: [...doc.logCounts] }),
  };
  if (doc.parts === 0) {
    return [
      {
        ...head,
        ...bagItem({
          tags: Object.fromEntries(doc.tags),
          params: Object.fromEntries(doc.params),
          metrics: new Map(doc.metrics),
        }),
      },
    ];
  }
  const wanted = touched === undefined ? undefined : new Set([...touched].map((key) => hashOf(key) % doc.parts));
  const bags = Array.from({ length: doc.parts }, (): Bag => ({ tags: {}, params: {}, metrics: new Map() }));
  for (const [key, value] of doc.tags) put(bags, key, (bag) => Object.defineProperty(bag.tags, key, own(value)));
  for (const [key, value] of doc.params) put(bags, key, (bag) => Object.defineProperty(bag.params, key, own(value)));
  for (const [key, value] of doc.metrics) put(bags, key, (bag) => bag.metrics.set(key, value));
  const items: Item[] = [head];
  bags.forEach((bag, part) => {
    if (wanted !== undefined && !wanted.has(part)) return;
    items.push({ ...runPartKey(doc.workspace, doc.runId, part), type: "RUN-PART", v: 1, ...bagItem(bag) });
  });
  return items;
}

function own(value: string): PropertyDescriptor {
  return { value, enumerable: true, writable: true, configurable: true };
}

function put(bags: readonly Bag[], key: string, into: (bag: Bag) => void): void {
  const bag = bags[hashOf(key) % bags.length];
  if (bag !== undefined) into(bag);
}

function bagItem(bag: Bag) {
  const { keys, data } = encodeSummaries(bag.metrics);
  return {
    tags: bag.tags,
    params: bag.params,
    ...(keys.length === 0 ? {} : { metricKeys: [...keys], metricData: data }),
  };
}

/** The run its items tell of; `parts` in any order. */
export function runFrom(head: Item, parts: readonly Item[]): RunDoc {
  if (head.type !== "RUN" || head.v !== 1)
    throw new AppError("Internal", `record \`${head.pk}\` is no run of version 1`);
  const tags = new Map<string, string>();
  const params = new Map<string, string>();
  const metrics = new Map<string, MetricSummary>();
  for (const item of [head, ...parts]) {
    addAll(tags, item.tags);
    addAll(params, item.params);
    if (item.metricData instanceof Uint8Array) {
      decodeSummaries({ keys: item.metricKeys as string[], data: item.metricData }, metrics);
    }
  }
  const experimentId = String(head.experimentId);
  const runId = String(head.runId);
  return {
    workspace: String(head.workspace),
    runId,
    rev: Number(head.rev),
    experimentId,
    name: String(head.name),
    userId: String(head.userId),
    status: head.status as RunStatus,
    startMs: optional(head.startMs),
    endMs: optional(head.endMs),
    lifecycle: head.lifecycle as Lifecycle,
    deletedMs: optional(head.deletedMs),
    source: head.source === "job" ? "job" : "client",
    parentRunId: typeof head.parentRunId === "string" ? head.parentRunId : undefined,
    createdMs: Number(head.createdMs),
    artifactUri: typeof head.artifactUri === "string" ? head.artifactUri : defaultArtifactUri(experimentId, runId),
    tags,
    params,
    metrics,
    datasets: (head.datasets ?? []) as unknown as readonly DatasetBrief[],
    datasetCount: optional(head.datasetCount) ?? 0,
    modelInputs: (head.modelInputs ?? []) as string[],
    modelOutputs: (head.modelOutputs ?? []) as { modelId: string; step: number }[],
    parts: optional(head.parts) ?? 0,
    feedMs: Number(head.feedMs),
    hasCard: head.card === true,
    logCounts: (head.logCounts ?? []) as number[],
    logSeq: optional(head.logSeq) ?? 0,
  };
}

export function defaultArtifactUri(experimentId: string, runId: string): string {
  return `mlflow-artifacts:/${experimentId}/${runId}/artifacts`;
}

function optional(value: Item[string]): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function addAll(into: Map<string, string>, from: Item[string]): void {
  if (from === undefined || from === null) return;
  const record = from as Record<string, string>;
  for (const key of Object.keys(record)) into.set(key, record[key] ?? "");
}
