import { gzipSync } from "node:zlib";
import type {
  APIGatewayEventRequestContextIAMAuthorizer,
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
} from "aws-lambda";
import { problemResponse } from "../../src/api/problem.ts";
import type { ApiRequest } from "../../src/api/raw-route.ts";
import { isResponse, type JsonReply, type Reply } from "../../src/api/reply.ts";
import { checkTarget } from "../../src/api/target.ts";
import { AppError } from "../../src/contract/errors.ts";
import type { IamCaller } from "../../src/core/access/iam.ts";

/** What a function may be sent and may answer, whole; the service cuts what is longer without a word of ours. */
export const PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024;
/** Room for status and headers. */
const FRAME_BYTES = 64 * 1024;
const ZIP_FROM_BYTES = 32 * 1024;
/** No answer is read further, whatever zipping would make of it. */
const UNZIPPED_LIMIT_BYTES = PAYLOAD_LIMIT_BYTES * 4;

/**
 * The event of an HTTP API (payload 2.0) as a request. Throws AppError("TooLarge") and "InvalidPath".
 * Who has signed it for AWS is told only by the gateway, on the routes where it has checked that; no header counts.
 */
export function toRequest(event: APIGatewayProxyEventV2): ApiRequest {
  const { requestContext, rawPath, rawQueryString, isBase64Encoded } = event;
  const { method } = requestContext.http;
  const header = (name: string) => event.headers[name] ?? (name === "cookie" ? event.cookies?.join("; ") : undefined);
  const bytes = event.body === undefined ? undefined : Buffer.from(event.body, isBase64Encoded ? "base64" : "utf8");
  if ((event.body ?? "").length > PAYLOAD_LIMIT_BYTES) throw tooLarge(`the request has ${bytes?.byteLength} bytes`);
  checkTarget(rawPath);
  const scheme = header("x-forwarded-proto") === "http" ? "http" : "https";
  const host = header("host") ?? requestContext.domainName;
  const address = `${scheme}://${host}${encodedPath(rawPath)}${rawQueryString === "" ? "" : `?${rawQueryString}`}`;
  const url = URL.parse(address);
  if (url === null) throw new AppError("InvalidPath", "the request's address is not a valid URL");
  const body = method === "GET" || method === "HEAD" ? undefined : bytes;
  const iam = iamCallerOf(event);
  return {
    method,
    url,
    headers: { get: (name) => header(name.toLowerCase()) ?? null },
    // Whoever asked may leave: a function is not told.
    signal: new AbortController().signal,
    get body() {
      return body === undefined ? null : new Blob([body]).stream();
    },
    readAll: async (limit) => {
      const all = body ?? new Uint8Array(0);
      return all.byteLength > limit ? undefined : all;
    },
    ...(iam === undefined ? {} : { iam }),
  };
}

function iamCallerOf({ requestContext }: APIGatewayProxyEventV2): IamCaller | undefined {
  const { authorizer, accountId } = requestContext as APIGatewayProxyEventV2["requestContext"] & {
    readonly authorizer?: { readonly iam?: Partial<APIGatewayEventRequestContextIAMAuthorizer["iam"]> | null };
  };
  const arn = authorizer?.iam?.userArn;
  if (typeof arn !== "string") return undefined;
  return { arn, isOfHome: authorizer?.iam?.accountId === accountId };
}

/** An answer as the service wants it: text as text, other bytes in base64, long text zipped for those who can read it. */
export async function toResult(
  reply: Reply,
  event: APIGatewayProxyEventV2,
): Promise<APIGatewayProxyStructuredResultV2> {
  const acceptsZip = readsZip(event.headers["accept-encoding"]);
  const whole = isResponse(reply) ? await readUpTo(reply, UNZIPPED_LIMIT_BYTES) : wholeOf(reply);
  const result = whole === undefined ? undefined : resultOf(frameOf(reply), whole, acceptsZip);
  if (result !== undefined && isCarried(result)) return result;
  const problem = problemResponse(
    tooLarge("the answer is too long"),
    reply.headers.get("x-request-id") ?? event.requestContext.requestId,
  );
  return resultOf(frameOf(problem), new Uint8Array(await problem.arrayBuffer()), acceptsZip);
}

interface Frame {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly cookies: readonly string[];
}

function frameOf({ status, headers: given }: Reply): Frame {
  const headers: Record<string, string> = {};
  for (const [name, value] of given) if (name !== "set-cookie") headers[name] = value;
  return { status, headers, cookies: "getSetCookie" in given ? given.getSetCookie() : [] };
}

/** Undefined when it is longer than anything that is zipped. */
function wholeOf({ body }: JsonReply): Uint8Array | undefined {
  const pieces = typeof body === "string" ? [body] : body;
  const whole = Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)));
  return whole.byteLength > UNZIPPED_LIMIT_BYTES ? undefined : whole;
}

/** Whether `toResult` answers this JSON, and not that it is too long. */
export function carries(bytes: Uint8Array, headers: Pick<Headers, "get">): boolean {
  // What is quoted in it is quoted once more.
  if (bytes.byteLength * 2 <= PAYLOAD_LIMIT_BYTES - FRAME_BYTES) return true;
  if (bytes.byteLength > UNZIPPED_LIMIT_BYTES) return false;
  const frame = { status: 200, headers: { "content-type": "application/json" }, cookies: [] };
  return isCarried(resultOf(frame, bytes, readsZip(headers.get("accept-encoding"))));
}

function isCarried(result: APIGatewayProxyStructuredResultV2): boolean {
  return sizeOf(result) <= PAYLOAD_LIMIT_BYTES - FRAME_BYTES;
}

function readsZip(acceptEncoding: string | null | undefined): boolean {
  return /\bgzip\b/.test(acceptEncoding ?? "");
}

function resultOf(
  { status, headers, cookies }: Frame,
  bytes: Uint8Array,
  acceptsZip: boolean,
): APIGatewayProxyStructuredResultV2 {
  const isText = /^(?:text\/|application\/(?:[a-z.+-]+\+)?json)/.test(headers["content-type"] ?? "");
  const frame = { statusCode: status, headers, ...(cookies.length === 0 ? {} : { cookies: [...cookies] }) };
  if (isText && acceptsZip && bytes.byteLength >= ZIP_FROM_BYTES && headers["content-encoding"] === undefined) {
    delete headers["content-length"];
    headers["content-encoding"] = "gzip";
    return { ...frame, body: gzipSync(bytes, { level: 1 }).toString("base64"), isBase64Encoded: true };
  }
  const body = Buffer.from(bytes).toString(isText ? "utf8" : "base64");
  return { ...frame, body, isBase64Encoded: !isText };
}

/** All bytes of a response; undefined, and the rest is not read, if they are more than `limit`. */
async function readUpTo(response: Response, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body travels as a JSON text. */
function sizeOf(result: APIGatewayProxyStructuredResultV2): number {
  const { body = "", isBase64Encoded } = result;
  const least = Buffer.byteLength(body);
  return isBase64Encoded === true || least > PAYLOAD_LIMIT_BYTES ? least : Buffer.byteLength(JSON.stringify(body));
}

/** NOTE: the service has decoded the path already, or not, by its parts: what can't be an escape is a plain `%`. */
function encodedPath(rawPath: string): string {
  return rawPath
    .replace(/%(?![0-9A-Fa-f]{2})/g, "%25")
    .replaceAll("?", "%3F")
    .replaceAll("#", "%23");
}

function tooLarge(what: string): AppError {
  return new AppError("TooLarge", `${what}; this address carries at most ${PAYLOAD_LIMIT_BYTES} at once`, {
    hint: "ask for a shorter page; send and fetch files by their signed addresses: MLflow clients do with MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=4194304",
  });
}
