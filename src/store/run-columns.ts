import { numberMatcher, sortNumber, textMatcher } from "../core/tracking/match.ts";
import type { Comparison, DatasetBrief, OrderKey, Run, SortValue } from "../core/tracking/ports.ts";

/** Numbers of all rows; `has` tells those that are there. */
interface NumberColumn {
  values: Float64Array;
  has: Uint8Array;
}

/** Texts of all rows as numbers of a dictionary; 0 is not there. */
interface TextColumn {
  codes: Uint32Array;
  readonly texts: string[];
  readonly numbers: Map<string, number>;
}

const START_ROOM = 64;

/** Summaries of one experiment's runs, column by column: 100,000 runs are filtered and sorted without touching a record. */
export class RunColumns {
  count = 0;
  private room = START_ROOM;
  private readonly rows = new Map<string, number>();
  private readonly ids: string[] = [];
  private readonly revs: number[] = [];
  private readonly numbers = new Map<string, NumberColumn>();
  private readonly texts = new Map<string, TextColumn>();
  private readonly datasets = new Map<number, readonly DatasetBrief[]>();
  private readonly tagColumns: TextColumn[] = [];
  /** Rows whose status is not final. */
  readonly active = new Set<string>();

  revOf(runId: string): number | undefined {
    const row = this.rows.get(runId);
    return row === undefined ? undefined : this.revs[row];
  }

  idOf(row: number): string {
    return this.ids[row] ?? "";
  }

  /** Takes a run in; an older revision than the one known is ignored. */
  put(run: Run): void {
    let row = this.rows.get(run.runId);
    if (row !== undefined && (this.revs[row] ?? 0) >= run.rev) return;
    const isNew = row === undefined;
    if (row === undefined) {
      row = this.count++;
      this.rows.set(run.runId, row);
      this.ids[row] = run.runId;
      this.grow();
    }
    this.revs[row] = run.rev;
    if (run.status === "RUNNING" || run.status === "SCHEDULED") this.active.add(run.runId);
    else this.active.delete(run.runId);
    this.number("start_time", row, run.startMs);
    this.number("end_time", row, run.endMs);
    this.text("status", row, run.status);
    this.text("lifecycle", row, run.lifecycle);
    this.text("run_name", row, run.name);
    this.text("user_id", row, run.userId);
    for (const [key, { value }] of run.metrics) this.number(`metric ${key}`, row, value);
    for (const [key, value] of run.params) this.text(`parameter ${key}`, row, value);
    // Of all a run has, only tags are ever taken away.
    if (!isNew) for (const column of this.tagColumns) column.codes[row] = 0;
    for (const [key, value] of run.tags) this.text(`tag ${key}`, row, value);
    if (run.datasets.length > 0) this.datasets.set(row, run.datasets);
    if (run.artifactUri !== defaultUri(run)) this.text("artifact_uri", row, run.artifactUri);
    else if (!isNew) this.text("artifact_uri", row, undefined);
  }

  /** Rows that fit, in no order. */
  select(filter: readonly Comparison[], view: "active" | "deleted" | "all", experimentId: string): Uint32Array {
    const tests = filter.map((comparison) => this.test(comparison, experimentId));
    if (view !== "all") tests.unshift(this.textTest("lifecycle", (text) => text === view));
    const found = new Uint32Array(this.count);
    let size = 0;
    rows: for (let row = 0; row < this.count; row++) {
      for (const test of tests) if (!test(row)) continue rows;
      found[size++] = row;
    }
    return found.subarray(0, size);
  }

  /** How a row's value of one sort key is read. */
  reader(order: Pick<OrderKey, "entity" | "key" | "kind">, experimentId: string): (row: number) => SortValue {
    const name = columnName(order);
    if (order.kind === "number") {
      const column = this.numbers.get(name);
      if (column === undefined) return () => null;
      return (row) => sortNumber(column.has[row] === 1 ? column.values[row] : undefined);
    }
    const read = this.textReader(name, experimentId);
    return (row) => read(row) ?? null;
  }

  *datasetBriefs(): Iterable<DatasetBrief> {
    for (const briefs of this.datasets.values()) yield* briefs;
  }

  private test(comparison: Comparison, experimentId: string): (row: number) => boolean {
    const { entity, key } = comparison;
    if (entity === "metric" || (entity === "attribute" && (key === "start_time" || key === "end_time"))) {
      const column = this.numbers.get(columnName(comparison));
      if (column === undefined) return () => false;
      const fits = numberMatcher(comparison);
      return (row) => column.has[row] === 1 && fits(column.values[row]);
    }
    const fits = textMatcher(comparison);
    if (entity === "dataset") {
      const field = key as keyof DatasetBrief;
      return (row) =>
        this.datasets.get(row)?.some((brief) => brief[field] !== undefined && fits(brief[field])) ?? false;
    }
    if (entity === "attribute" && (key === "run_id" || key === "artifact_uri")) {
      const read = this.textReader(key, experimentId);
      return (row) => fits(read(row));
    }
    return this.textTest(columnName(comparison), fits);
  }

  /** Decides once for each text of the dictionary. */
  private textTest(name: string, fits: (text: string | undefined) => boolean): (row: number) => boolean {
    const column = this.texts.get(name);
    if (column === undefined) {
      const always = fits(undefined);
      return () => always;
    }
    const { codes, texts } = column;
    const decided = new Int8Array(texts.length);
    return (row) => {
      const code = codes[row] ?? 0;
      let decision = decided[code];
      if (decision === 0) {
        decision = fits(code === 0 ? undefined : texts[code]) ? 1 : -1;
        decided[code] = decision;
      }
      return decision === 1;
    };
  }

  private textReader(name: string, experimentId: string): (row: number) => string | undefined {
    if (name === "run_id") return (row) => this.ids[row];
    const column = this.texts.get(name);
    const read = (row: number): string | undefined => {
      const code = column?.codes[row] ?? 0;
      return code === 0 ? undefined : column?.texts[code];
    };
    if (name !== "artifact_uri") return read;
    return (row) => read(row) ?? defaultUri({ experimentId, runId: this.idOf(row) });
  }

  private number(name: string, row: number, value: number | undefined): void {
    let column = this.numbers.get(name);
    if (column === undefined) {
      if (value === undefined) return;
      column = { values: new Float64Array(this.room), has: new Uint8Array(this.room) };
      this.numbers.set(name, column);
    }
    column.has[row] = value === undefined ? 0 : 1;
    column.values[row] = value ?? 0;
  }

  private text(name: string, row: number, value: string | undefined): void {
    let column = this.texts.get(name);
    if (column === undefined) {
      if (value === undefined) return;
      column = { codes: new Uint32Array(this.room), texts: [""], numbers: new Map() };
      this.texts.set(name, column);
      if (name.startsWith("tag ")) this.tagColumns.push(column);
    }
    if (value === undefined) {
      column.codes[row] = 0;
      return;
    }
    let code = column.numbers.get(value);
    if (code === undefined) {
      code = column.texts.length;
      column.texts.push(value);
      column.numbers.set(value, code);
    }
    column.codes[row] = code;
  }

  private grow(): void {
    if (this.count <= this.room) return;
    this.room *= 2;
    for (const column of this.numbers.values()) {
      const { values, has } = column;
      column.values = new Float64Array(this.room);
      column.values.set(values);
      column.has = new Uint8Array(this.room);
      column.has.set(has);
    }
    for (const column of this.texts.values()) {
      const { codes } = column;
      column.codes = new Uint32Array(this.room);
      column.codes.set(codes);
    }
  }
}

function defaultUri(run: Pick<Run, "experimentId" | "runId">): string {
  return `mlflow-artifacts:/${run.experimentId}/${run.runId}/artifacts`;
}

function columnName({ entity, key }: Pick<Comparison, "entity" | "key">): string {
  return entity === "attribute" ? key : `${entity} ${key}`;
}
