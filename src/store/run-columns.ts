import { numberMatcher, sortNumber, textMatcher } from "../core/tracking/match.ts";
import type {
  Comparison,
  DatasetBrief,
  DatasetInput,
  OrderKey,
  Run,
  RunView,
  SortValue,
} from "../core/tracking/ports.ts";
import {
  clearNumber,
  clearText,
  type NumberColumn,
  numberAt,
  type StoredColumns,
  setNumber,
  setText,
  type TextColumn,
  textAt,
} from "./columns.ts";
import { defaultArtifactUri } from "./run-items.ts";
import {
  INPUTS,
  inputsCount,
  inputsText,
  LIFECYCLE,
  listText,
  METRIC_STEP,
  METRIC_TIME,
  MODEL_INPUTS,
  MODEL_OUTPUTS,
  makeViewer,
  RUN_NAME,
} from "./run-view.ts";
import { TextPool, upTo, withRoom } from "./text-pool.ts";

/** How a sort key's value of a row is read; `prefix` orders rows where it differs, and is never NaN. */
export interface SortReader {
  value(row: number): SortValue;
  prefix(row: number): number;
}

const NAME_TAG = "tag mlflow.runName";
const NUMBER_ATTRIBUTES = new Set(["start_time", "end_time"]);

/** Counts every change of every row of this process: no two states of any runs share a version. */
let versions = 0;

/** Summaries of one experiment's runs, column by column: 100,000 runs are filtered and sorted without touching a record. */
export class RunColumns {
  private readonly experimentId: string;
  /** Row `r` is text `r + 1`. */
  private readonly ids: TextPool;
  private revs: Float64Array;
  private rowVersions: Float64Array;
  /** Of the last change: columns of one version are the same. */
  version = 0;
  private readonly numbers: Map<string, NumberColumn>;
  private readonly texts: Map<string, TextColumn>;
  private readonly datasets: Map<number, readonly DatasetBrief[]>;
  /** Rows whose status is not final. */
  private readonly activeRows = new Set<number>();

  constructor(experimentId: string, stored?: StoredColumns) {
    this.experimentId = experimentId;
    this.ids = stored?.ids ?? new TextPool();
    this.revs = stored?.revs ?? new Float64Array(0);
    this.numbers = new Map(stored?.numbers);
    this.texts = new Map(stored?.texts);
    this.datasets = new Map(stored?.datasets);
    this.rowVersions = new Float64Array(this.count);
    for (let row = 0; row < this.count; row++) this.changed(row);
    const status = this.texts.get("status");
    for (let row = 0; status !== undefined && row < this.count; row++) {
      if (isActive(textAt(status, row))) this.activeRows.add(row);
    }
  }

  get count(): number {
    return this.ids.size;
  }

  revOf(runId: string): number | undefined {
    const code = this.ids.find(runId);
    return code === 0 ? undefined : this.revs[code - 1];
  }

  idOf(row: number): string {
    return this.ids.text(row + 1);
  }

  /** Ids of many rows. */
  idReader(): (row: number) => string {
    const text = this.ids.reader();
    return (row) => text(row + 1);
  }

  versionOf(row: number): number {
    return this.rowVersions[row] ?? 0;
  }

  /** Makes runs as pages show them, until the columns change. */
  viewer(): (row: number) => RunView {
    return makeViewer(this.experimentId, this.stored());
  }

  private changed(row: number): void {
    this.version = ++versions;
    this.rowVersions = withRoom(this.rowVersions, row + 1);
    this.rowVersions[row] = versions;
  }

  /** Runs whose status is not final. */
  active(): string[] {
    return Array.from(this.activeRows, (row) => this.idOf(row));
  }

  /** Whether the run has datasets that are not known here. */
  lacksInputs({ runId, datasets }: Pick<Run, "runId" | "datasets">): boolean {
    if (datasets.length === 0) return false;
    const row = this.ids.find(runId) - 1;
    const column = this.texts.get(INPUTS);
    const text = row < 0 || column === undefined ? undefined : textAt(column, row);
    return text === undefined || inputsCount(text) !== datasets.length;
  }

  /** Takes a run in, with its datasets where they were lacking; an older revision than the one known is ignored. */
  put(run: RunView & Pick<Run, "rev">, inputs?: readonly DatasetInput[]): boolean {
    const isNew = this.ids.find(run.runId) === 0;
    const row = this.ids.add(run.runId) - 1;
    if (!isNew && (this.revs[row] ?? 0) >= run.rev) return false;
    this.revs = withRoom(this.revs, row + 1);
    this.revs[row] = run.rev;
    this.changed(row);
    if (isActive(run.status)) this.activeRows.add(row);
    else this.activeRows.delete(row);
    this.number("start_time", row, run.startMs);
    this.number("end_time", row, run.endMs);
    this.text("status", row, run.status);
    this.text(LIFECYCLE, row, run.lifecycle);
    this.text(RUN_NAME, row, run.name);
    this.text("user_id", row, run.userId);
    for (const [key, { value, timestamp, step }] of run.metrics) {
      this.number(`metric ${key}`, row, value);
      this.number(`${METRIC_TIME} ${key}`, row, timestamp);
      this.number(`${METRIC_STEP} ${key}`, row, step);
    }
    for (const [key, value] of run.params) this.text(`parameter ${key}`, row, value);
    // Of all a run has, only tags are ever taken away.
    if (!isNew) for (const [name, column] of this.texts) if (name.startsWith("tag ")) clearText(column, row);
    for (const [key, value] of run.tags) this.text(`tag ${key}`, row, value);
    if (run.datasets.length > 0) this.datasets.set(row, run.datasets);
    if (inputs !== undefined) this.text(INPUTS, row, this.inputsText(inputs));
    const isDefault = run.artifactUri === defaultArtifactUri(run.experimentId, run.runId);
    this.text("artifact_uri", row, isDefault ? undefined : run.artifactUri);
    this.text(MODEL_INPUTS, row, listText(run.modelInputs));
    this.text(MODEL_OUTPUTS, row, listText(run.modelOutputs));
    return true;
  }

  /** Of these runs, those that are here, as columns of their own, and those that are not. */
  part(runIds: Iterable<string>): { readonly news: RunColumns; readonly gone: readonly string[] } {
    const news = new RunColumns(this.experimentId);
    const gone: string[] = [];
    const view = this.viewer();
    for (const runId of runIds) {
      const row = this.ids.find(runId) - 1;
      const rev = this.revs[row] ?? 0;
      if (rev === 0) {
        gone.push(runId);
        continue;
      }
      const run = view(row);
      news.put({ ...run, rev }, run.inputs);
    }
    return { news, gone };
  }

  /** Takes in what `part` gave; answers the runs. */
  take(news: RunColumns): readonly string[] {
    const view = news.viewer();
    return Array.from({ length: news.count }, (_, row) => {
      const run = view(row);
      this.put({ ...run, rev: news.revs[row] ?? 0 }, run.inputs);
      return run.runId;
    });
  }

  /** Forgets a run that is no more: its row stays, and is never found. */
  remove(runId: string): boolean {
    const row = this.ids.find(runId) - 1;
    if (row < 0 || this.revs[row] === 0) return false;
    this.revs[row] = 0;
    this.changed(row);
    this.activeRows.delete(row);
    this.datasets.delete(row);
    for (const column of this.texts.values()) clearText(column, row);
    for (const column of this.numbers.values()) clearNumber(column, row);
    return true;
  }

  /** Rows that fit, in no order. */
  select(filter: readonly Comparison[], view: "active" | "deleted" | "all"): Uint32Array {
    const rows = upTo(this.count);
    const lifecycle: Comparison = {
      entity: "attribute",
      key: LIFECYCLE,
      ...(view === "all" ? { op: "IS NOT NULL" } : { op: "=", value: view }),
    };
    return [lifecycle, ...filter].reduce((left, comparison) => keep(left, this.test(comparison)), rows);
  }

  reader(order: Pick<OrderKey, "entity" | "key" | "kind" | "descending">): SortReader {
    const sign = order.descending ? -1 : 1;
    if (order.kind === "number") {
      const column = this.numbers.get(columnName(order));
      return {
        value: (row) => sortNumber(column === undefined ? undefined : numberAt(column, row)),
        prefix(row) {
          const number = column === undefined ? undefined : numberAt(column, row);
          return number === undefined || Number.isNaN(number) ? Number.POSITIVE_INFINITY : sign * number;
        },
      };
    }
    if (order.entity === "attribute" && order.key === "artifact_uri") {
      return { value: (row) => this.artifactUri(row), prefix: () => 0 };
    }
    const { codeAt, pool } = this.coded(columnName(order));
    const text = pool.reader();
    return {
      value(row) {
        const code = codeAt(row);
        return code === 0 ? null : text(code);
      },
      prefix(row) {
        const code = codeAt(row);
        return code === 0 ? Number.POSITIVE_INFINITY : sign * pool.prefix(code);
      },
    };
  }

  *datasetBriefs(): Iterable<DatasetBrief> {
    for (const briefs of this.datasets.values()) yield* briefs;
  }

  /** For a snapshot; not to be changed. */
  stored(): StoredColumns {
    const { ids, revs, numbers, texts, datasets } = this;
    return { ids, revs: revs.subarray(0, this.count), numbers, texts, datasets };
  }

  get sizeBytes(): number {
    let sum = this.ids.sizeBytes + this.revs.byteLength + this.rowVersions.byteLength;
    for (const { values, has } of this.numbers.values()) sum += values.byteLength + has.byteLength + COLUMN_BYTES;
    for (const { codes, pool } of this.texts.values()) sum += codes.byteLength + pool.sizeBytes + COLUMN_BYTES;
    return sum;
  }

  private test(comparison: Comparison): (row: number) => boolean {
    const { entity, key } = comparison;
    if (entity === "metric" || (entity === "attribute" && NUMBER_ATTRIBUTES.has(key))) {
      const column = this.numbers.get(columnName(comparison));
      if (column === undefined) return () => false;
      const fits = numberMatcher(comparison);
      return (row) => fits(numberAt(column, row));
    }
    if (entity === "dataset") {
      const fits = textMatcher(comparison);
      const field = key as keyof DatasetBrief;
      return (row) =>
        this.datasets.get(row)?.some((brief) => brief[field] !== undefined && fits(brief[field])) ?? false;
    }
    if (entity === "attribute" && key === "artifact_uri") {
      const fits = textMatcher(comparison);
      return (row) => fits(this.artifactUri(row));
    }
    return this.codeTest(comparison);
  }

  /** Decides once for each text of the pool; equality by number, without reading a text. */
  private codeTest(comparison: Comparison): (row: number) => boolean {
    const { codeAt, pool } = this.coded(columnName(comparison));
    const { op, value } = comparison;
    switch (op) {
      case "IS NULL":
        return (row) => codeAt(row) === 0;
      case "IS NOT NULL":
        return (row) => codeAt(row) !== 0;
      case "=":
      case "!=": {
        const wanted = pool.find(String(value));
        if (op === "=") return wanted === 0 ? () => false : (row) => codeAt(row) === wanted;
        return (row) => codeAt(row) !== 0 && codeAt(row) !== wanted;
      }
      case "IN":
      case "NOT IN": {
        const wanted = new Set((value as readonly string[]).map((text) => pool.find(text)));
        return (row) => codeAt(row) !== 0 && wanted.has(codeAt(row)) === (op === "IN");
      }
      default: {
        const fits = textMatcher(comparison);
        const text = pool.reader();
        const decided = new Int8Array(pool.size + 1);
        decided[0] = fits(undefined) ? 1 : -1;
        return (row) => {
          const code = codeAt(row);
          if (decided[code] === 0) decided[code] = fits(text(code)) ? 1 : -1;
          return decided[code] === 1;
        };
      }
    }
  }

  private coded(name: string): { readonly codeAt: (row: number) => number; readonly pool: TextPool } {
    if (name === "run_id") return { codeAt: (row) => row + 1, pool: this.ids };
    const column = this.texts.get(name);
    if (column === undefined) return { codeAt: () => 0, pool: new TextPool() };
    const { codes, pool } = column;
    return { codeAt: (row) => codes[row] ?? 0, pool };
  }

  private artifactUri(row: number): string {
    const column = this.texts.get("artifact_uri");
    return (
      (column === undefined ? undefined : textAt(column, row)) ?? defaultArtifactUri(this.experimentId, this.idOf(row))
    );
  }

  /** Datasets of an experiment's runs are few or alike, as a rule; where they are not, they are not kept. */
  private inputsText(inputs: readonly DatasetInput[]): string {
    const isFull = (this.texts.get(INPUTS)?.pool.sizeBytes ?? 0) > INPUTS_BYTES;
    return isFull ? `${inputs.length} ` : inputsText(inputs);
  }

  private number(name: string, row: number, value: number | undefined): void {
    setNumber(this.numbers, name, row, value);
  }

  private text(name: string, row: number, value: string | undefined): void {
    // A run's name is its tag too: the texts are kept once.
    setText(this.texts, name, row, value, name === NAME_TAG ? this.texts.get(RUN_NAME)?.pool : undefined);
  }
}

/** Texts of datasets kept of an experiment. */
const INPUTS_BYTES = 16 * 1024 * 1024;
/** A column's own objects, roughly. */
const COLUMN_BYTES = 600;

export function isActive(status: string | undefined): boolean {
  return status === "RUNNING" || status === "SCHEDULED";
}

function keep(rows: Uint32Array, fits: (row: number) => boolean): Uint32Array {
  let size = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    if (fits(row)) rows[size++] = row;
  }
  return rows.subarray(0, size);
}

function columnName({ entity, key }: Pick<Comparison, "entity" | "key">): string {
  return entity === "attribute" ? key : `${entity} ${key}`;
}
