import type * as z from "zod";
import { AppError } from "../contract/errors.ts";
import type { AnyRoute, Route } from "../contract/route.ts";
import type { ApiRequest, Call, RawRoute } from "./raw-route.ts";
import { isResponse, JsonReply } from "./reply.ts";

type ParamsOf<R> = R extends Route<infer P, z.ZodObject, infer _B, infer _A> ? z.output<P> : never;
type QueryOf<R> = R extends Route<z.ZodObject, infer Q, infer _B, infer _A> ? z.output<Q> : never;
type BodyOf<R> =
  R extends Route<z.ZodObject, z.ZodObject, infer B, infer _A>
    ? B extends z.ZodType
      ? z.output<B>
      : B extends "bytes"
        ? ReadableStream<Uint8Array>
        : undefined
    : never;
type AnswerOf<R> =
  R extends Route<z.ZodObject, z.ZodObject, infer _B, infer A> ? (A extends z.ZodType ? z.input<A> : Response) : never;

export interface Input<R> {
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
  readonly call: Call;
}

/** A JSON answer with headers or another status than the route's own. */
export class Answer<T> {
  readonly value: T;
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    value: T,
    options: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    this.value = value;
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

const JSON_LIMIT_BYTES = 4 * 1024 * 1024;

/** Binds a contract route to what it does: parses params, query and body once, at the border. */
export function implement<R extends AnyRoute>(
  route: R,
  handle: (input: Input<R>) => Promise<AnswerOf<R> | Answer<AnswerOf<R>>> | AnswerOf<R>,
): RawRoute {
  return {
    id: route.id,
    method: route.method,
    path: route.path,
    base: "root",
    access: route.access,
    async handle(call) {
      const params = parse(route.params, call.params, "path");
      const query = parse(route.query, queryOf(call.url), "query");
      const body = await bodyOf(route, call.request);
      const answer = await handle({ params, query, body, call } as unknown as Input<R>);
      if (isResponse(answer)) return answer;
      const { value, status, headers } = answer instanceof Answer ? answer : new Answer(answer);
      return new JsonReply(JSON.stringify(value), { status: status ?? route.status ?? 200, headers });
    },
  };
}

function queryOf(url: URL): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [key, value] of url.searchParams) {
    if (Object.hasOwn(query, key)) throw new AppError("InvalidArgument", `query parameter \`${key}\` is given twice`);
    query[key] = value;
  }
  return query;
}

async function bodyOf(route: AnyRoute, request: ApiRequest): Promise<unknown> {
  if (route.body === undefined) return undefined;
  const limit = route.bodyLimit ?? (route.body === "bytes" ? undefined : JSON_LIMIT_BYTES);
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (limit !== undefined && length > limit) throw tooLarge(limit);
  if (route.body === "bytes") return limited(request.body ?? new Blob([]).stream(), limit);
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/(json|[\w.-]+\+json)\s*(;|$)/i.test(type)) {
    throw new AppError("UnsupportedMediaType", `the body's Content-Type is \`${type}\`; send application/json`);
  }
  return parse(route.body, parseJson(await readText(request, limit ?? JSON_LIMIT_BYTES)), "body");
}

function tooLarge(limit: number): AppError {
  return new AppError("TooLarge", `the body is larger than ${limit} bytes`, { limit_bytes: limit });
}

function limited(stream: ReadableStream<Uint8Array>, limit: number | undefined): ReadableStream<Uint8Array> {
  if (limit === undefined) return stream;
  let seen = 0;
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        seen += chunk.byteLength;
        if (seen > limit) controller.error(tooLarge(limit));
        else controller.enqueue(chunk);
      },
    }),
  );
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Undefined when there are more than `limit` bytes. */
async function readAll(body: ApiRequest["body"], limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** A body as text, never more than `limit` bytes of it. */
export async function readText(request: ApiRequest, limit: number): Promise<string> {
  const bytes = request.readAll === undefined ? await readAll(request.body, limit) : await request.readAll(limit);
  if (bytes === undefined) throw tooLarge(limit);
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw new AppError("InvalidArgument", "the body is not UTF-8", {}, { cause });
  }
}

function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError("InvalidArgument", `the body is not JSON: ${(cause as Error).message}`, {}, { cause });
  }
  // UTF-8 itself can't hold half a character, but an escape can; no store keeps such text in both homes.
  if (/\\u[dD][89a-fA-F]/.test(text) && !isWellFormed(value)) {
    throw new AppError("InvalidArgument", "the body holds text with a lone surrogate, which is no character");
  }
  return value;
}

function isWellFormed(root: unknown): boolean {
  const waiting = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === "string" && !value.isWellFormed()) return false;
    if (typeof value !== "object" || value === null) continue;
    for (const [key, member] of Object.entries(value)) {
      if (!key.isWellFormed()) return false;
      waiting.push(member);
    }
  }
  return true;
}

/** Parses with a schema; the first few faults are told with their places. */
export function parse<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = flatten(result.error.issues, value).slice(0, 20);
  const first = errors[0] ?? { field: "", message: "is not valid" };
  const place = first.field === "" ? where : `${where === "path" ? "" : `${where} field `}\`${first.field}\``;
  throw new AppError("InvalidArgument", `${place}: ${first.message}`, { errors });
}

type Issue = z.core.$ZodIssue;

/** One cause for each place: of a union's branches, the one that got furthest. */
function flatten(
  issues: readonly Issue[],
  value: unknown,
  prefix: readonly PropertyKey[] = [],
): { field: string; message: string }[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      const branches = issue.errors.map((branch) => ({
        branch,
        depth: Math.max(0, ...branch.map((i) => i.path.length)),
        count: branch.length,
      }));
      branches.sort((a, b) => b.depth - a.depth || a.count - b.count);
      const best = branches[0];
      if (best !== undefined && best.depth > 0) return flatten(best.branch, value, path);
    }
    return [{ field: path.map(String).join("."), message: messageOf(issue, value, path) }];
  });
}

/** A name that breaks its pattern is told with what was given: a path's fields stand nowhere in the caller's request by name. */
function messageOf(issue: Issue, value: unknown, path: readonly PropertyKey[]): string {
  if (issue.code !== "invalid_format" || issue.format !== "regex" || issue.pattern === undefined) return issue.message;
  let given: unknown = value;
  for (const key of path) given = typeof given === "object" && given !== null ? Reflect.get(given, key) : undefined;
  if (typeof given !== "string") return issue.message;
  const shown = given.length > 80 ? `${given.slice(0, 80)}…` : given;
  return `\`${shown}\` must match \`${issue.pattern.replace(/^\/(.*)\/[a-z]*$/s, "$1")}\``;
}
