import { Agent, type RequestOptions, request } from "node:http";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * One request as a client sends it. Texts may hold references to what the sequence made before: `{run#1}` is the second run made (counted
 * round), `{model#0}` a logged model, `{token#0}` the page token of the last search.
 */
export interface Call {
  readonly method: string;
  /** Below the server's root, as sent: percent-encoded by whoever wrote it. */
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  /** Sent as JSON. */
  readonly body?: Json;
  /** Sent as it is. */
  readonly bytes?: string;
  readonly headers?: { readonly [name: string]: string };
}

export interface Reply {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly text: string;
}

const KINDS = ["run", "model", "token", "upload"] as const;
type Kind = (typeof KINDS)[number];
const UNKNOWN: Readonly<Record<Kind, string>> = {
  run: "f".repeat(32),
  model: `m-${"f".repeat(32)}`,
  token: "",
  upload: "none",
};
const REFERENCE = /\{(run|model|token|upload)#(\d+)\}/g;

/** What one server made in one sequence, in order. */
export class Made {
  readonly run: string[] = [];
  readonly model: string[] = [];
  readonly token: string[] = [];
  readonly upload: string[] = [];

  /** Notes the ids in an answer. */
  learn(call: Call, reply: Reply): void {
    if (reply.status !== 200 || !reply.text.startsWith("{")) return;
    const body = parsed(reply.text) as Record<string, Record<string, Record<string, string>>> | undefined;
    const run = body?.run?.info?.run_id;
    if (call.path.endsWith("/runs/create") && run !== undefined) this.run.push(run);
    const model = body?.model?.info?.model_id;
    if (call.path.endsWith("/logged-models") && model !== undefined) this.model.push(model);
    if (/\/(search|get-history)$/.test(call.path)) this.token.unshift(String(body?.next_page_token ?? ""));
    if (/\/mpu\/create/.test(call.path)) this.upload.push(String(body?.upload_id ?? ""));
  }

  fill(text: string): string {
    return text.replace(REFERENCE, (_, kind: Kind, number: string) => {
      const known: readonly string[] = this[kind];
      if (kind === "token") return known[Number(number)] ?? "";
      return known[Number(number) % Math.max(1, known.length)] ?? UNKNOWN[kind];
    });
  }

  fillJson(value: Json): Json {
    if (typeof value === "string") return this.fill(value);
    if (Array.isArray(value)) return value.map((each: Json) => this.fillJson(each));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.fillJson(each)]));
  }
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An address to send calls to, and what every call carries there. */
export interface Target {
  readonly port: number;
  /** Path before that of the call. */
  readonly base: string;
  readonly headers: { readonly [name: string]: string };
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const LIMIT_MS = 60_000;

/** Sends a call whose references are filled; the path goes out as it is written. */
export function send(target: Target, made: Made, call: Call): Promise<Reply> {
  const query = (call.query ?? []).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(made.fill(value).toWellFormed())}`,
  );
  const path = `${target.base}${made.fill(call.path)}${query.length === 0 ? "" : `?${query.join("&")}`}`;
  const content =
    call.body === undefined ? call.bytes && made.fill(call.bytes) : JSON.stringify(made.fillJson(call.body));
  const bytes = content === undefined ? undefined : Buffer.from(content);
  const headers = {
    "user-agent": "mlflow-python-client/3.17.2",
    ...(call.body === undefined ? {} : { "content-type": "application/json" }),
    ...(bytes === undefined && call.method === "GET" ? {} : { "content-length": String(bytes?.byteLength ?? 0) }),
    ...target.headers,
    ...call.headers,
  };
  const options = {
    host: "127.0.0.1",
    port: target.port,
    method: call.method,
    path,
    headers,
    agent,
    timeout: LIMIT_MS,
  };
  return exchange(options, bytes);
}

function exchange(options: RequestOptions, bytes: Buffer | undefined, tries = 3): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          text: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    sent.on("timeout", () =>
      sent.destroy(new Error(`no answer within ${LIMIT_MS} ms to ${options.method} ${options.path}`)),
    );
    sent.on("error", (error: NodeJS.ErrnoException) => {
      // A server closes a connection that was idle for long just as it is used again: nothing was read of the request.
      if (tries > 1 && error.code === "ECONNRESET") exchange(options, bytes, tries - 1).then(resolve, reject);
      else reject(new Error(`${options.method} ${options.port} ${options.path}: ${error.message}`, { cause: error }));
    });
    sent.end(bytes);
  });
}
