import { AppError } from "../../contract/errors.ts";
import type { Action, Method } from "../../contract/route.ts";
import { invalid } from "../../core/tracking/errors.ts";
import type { Caller } from "../../core/tracking/runs.ts";
import { readText } from "../implement.ts";
import type { Call, RawRoute } from "../raw-route.ts";
import { isResponse, JsonReply } from "../reply.ts";
import { Args } from "./args.ts";
import { asSent } from "./as-sent.ts";
import { mlflowError } from "./errors.ts";

export interface MlflowCall extends Caller {
  readonly args: Args;
  readonly call: Call;
}

const BODY_LIMIT_BYTES = 24 * 1024 * 1024;

/** One MLflow call under `/api` and its twin under `/ajax-api`. Query parameters and JSON bodies are read alike. */
export function mlflowRoutes(
  method: Method,
  path: string,
  access: { readonly resource: "tracking" | "registry"; readonly action: Action },
  handle: (call: MlflowCall) => Promise<unknown> | unknown,
  options: {
    readonly bodyLimit?: number;
    readonly tooLarge?: (size: string) => Error;
    readonly prefixes?: readonly string[];
  } = {},
): RawRoute[] {
  return (options.prefixes ?? ["/api", "/ajax-api"]).map((prefix) => ({
    id: `mlflow${prefix}:${method} ${path}`,
    method,
    path: `${prefix}${path}`,
    base: "workspace",
    access,
    onError: mlflowError,
    async handle(call) {
      const { args, body } = await readArgs(method, call, options.bodyLimit ?? BODY_LIMIT_BYTES, options.tooLarge);
      const answer = await answerOf(body, () =>
        handle({ workspace: call.workspace, principal: call.principal, args, call }),
      );
      if (answer instanceof JsonReply || isResponse(answer)) return answer;
      return new JsonReply(JSON.stringify(answer ?? {}));
    },
  }));
}

async function answerOf(body: string, answer: () => unknown): Promise<unknown> {
  try {
    return await answer();
  } catch (error) {
    throw asSent(error, body);
  }
}

async function readArgs(
  method: Method,
  call: Call,
  limit: number,
  tooLarge: ((size: string) => Error) | undefined,
): Promise<{ readonly args: Args; readonly body: string }> {
  if (method === "GET") return { args: new Args(queryOf(call.url)), body: "" };
  const type = call.request.headers.get("content-type");
  let text: string;
  try {
    text = await readText(call.request, limit);
  } catch (error) {
    if (tooLarge !== undefined && error instanceof AppError && error.code === "TooLarge") {
      throw tooLarge(call.request.headers.get("content-length") ?? `more than ${limit}`);
    }
    throw error;
  }
  if (text === "") {
    if (type === null && method === "POST") throw invalid("Bad Request. Content-Type header is missing.");
    return { args: new Args(queryOf(call.url)), body: "" };
  }
  // A browser sends other methods across origins only where it is let; POST is the one that needs a type it has to ask for.
  if (type === null && method === "POST") throw invalid("Bad Request. Content-Type header is missing.");
  // The header's text is not repeated: what is echoed may be read as something else.
  if (method === "POST" && !/^application\/json\s*(;|$)/i.test(type ?? ""))
    throw invalid("Bad Request. Content-Type must be one of ['application/json'].");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw invalid("Malformed request: the body is not JSON", "BAD_REQUEST");
  }
  if (typeof body === "string") body = parseAgain(body);
  if (typeof body !== "object" || Array.isArray(body))
    throw invalid("Malformed request: the body is not a JSON object", "BAD_REQUEST");
  return { args: new Args((body ?? {}) as Record<string, unknown>), body: text };
}

/** Some old clients send the body's text as a JSON string. */
function parseAgain(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Parameters that are lists, whether given once or often. */
const LISTS = new Set(["run_ids", "run_id[]", "order_by", "stages", "experiment_ids"]);

function queryOf(url: URL): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    fields[name] = LISTS.has(name) ? values : values.at(-1);
  }
  return fields;
}
