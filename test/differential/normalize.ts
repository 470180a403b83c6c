import { type Call, type Json, type Made, parsed, type Reply } from "./call.ts";

/** When each call of a sequence was under way, in milliseconds since 1970; both servers were asked within the same span. */
export type Spans = readonly { readonly begin: number; readonly end: number }[];

export interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly headers: { readonly [name: string]: string };
}

/** Headers that clients read. */
const HEADERS = ["content-type", "content-disposition", "x-content-type-options", "content-range"];

/** Lists that clients read as maps or sets: put in order of these fields. */
const UNORDERED: Readonly<Record<string, readonly string[]>> = {
  tags: ["key"],
  params: ["key"],
  aliases: ["alias"],
  dataset_inputs: ["dataset"],
  model_inputs: ["model_id"],
  model_outputs: ["model_id"],
  dataset_summaries: ["experiment_id", "name", "digest", "context"],
  latest_versions: ["version"],
};

/** An answer without what differs between any two servers: ids, times of their clocks, made-up names, page tokens. */
export function normalize(call: Call, reply: Reply, made: Made, spans: Spans, workspace: string): Answer {
  const type = reply.headers["content-type"] ?? "";
  const body = type.includes("json") ? (parsed(reply.text) as Json | undefined) : undefined;
  const normal = new Normal(made, spans, workspace);
  const isFile = /artifacts\/artifacts|get-artifact/.test(call.path);
  return {
    status: reply.status,
    body: body === undefined ? normal.text(reply.text) : normal.json(body, ""),
    headers: Object.fromEntries(
      isFile && reply.status < 300
        ? HEADERS.flatMap((name) => (reply.headers[name] === undefined ? [] : [[name, reply.headers[name]]]))
        : [],
    ),
  };
}

const MADE_UP = /^[a-z]+-[a-z]+-\d{1,4}$/;

/** Default is as old as the server or the workspace: made within these hours. */
const BEFORE_MS = 24 * 3_600_000;

class Normal {
  private readonly spans: Spans;
  private readonly workspace: string;
  private readonly ids: readonly (readonly [string, string])[];

  constructor(made: Made, spans: Spans, workspace: string) {
    this.spans = spans;
    this.workspace = workspace;
    this.ids = [
      ...made.run.map((id, i) => [id, `<run ${i}>`] as const),
      ...made.model.map((id, i) => [id, `<model ${i}>`] as const),
    ];
  }

  text(text: string): string {
    let normal = text;
    for (const [id, name] of this.ids) if (normal.includes(id)) normal = normal.replaceAll(id, name);
    return normal;
  }

  json(value: Json, name: string): Json {
    if (typeof value === "number") return this.time(value);
    if (typeof value === "string") {
      if (name === "next_page_token") return "<token>";
      if (name === "workspace" && value === this.workspace) return "<workspace>";
      if ((name === "run_name" || name === "name" || name === "value") && MADE_UP.test(value)) return "<made-up name>";
      return this.text(value);
    }
    if (Array.isArray(value)) return this.list(value as readonly Json[], name);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.json(each, key)]));
  }

  /** A time of the server's clock becomes the call that it was taken in. */
  private time(value: number): Json {
    const first = this.spans[0]?.begin ?? 0;
    if (value < first - BEFORE_MS || value > (this.spans.at(-1)?.end ?? 0)) return value;
    if (value < first) return "<time before>";
    return `<time of call ${this.spans.findIndex(({ end }) => value <= end)}>`;
  }

  private list(list: readonly Json[], name: string): Json {
    const values = list.map((each) => this.json(each, ""));
    const keys = UNORDERED[name];
    if (keys === undefined && !(name === "metrics" && isLatest(values))) return values;
    const sortKey = (each: Json) =>
      JSON.stringify((keys ?? ["key", "run_id", "step"]).map((key) => (each as { [key: string]: Json })?.[key]));
    return values
      .map((each) => [sortKey(each), each] as const)
      .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
      .map(([, each]) => each);
  }
}

/** Latest metrics of a run hold each key once; histories are of one key and keep their order. */
function isLatest(metrics: readonly Json[]): boolean {
  const keys = metrics.map((each) => (each as { key?: string })?.key);
  return new Set(keys).size > 1 || keys.length < 2;
}
