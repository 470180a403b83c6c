import { once } from "node:events";
import type { Writable } from "node:stream";
import type { Answered, Broken, Invoker } from "../../src/adapters/aws/lambda-host/invoke.ts";
import { type HttpEvent, type HttpPrelude, PRELUDE_END_BYTES, PRELUDE_TYPE } from "../../src/contract/replica.ts";
import type { EndpointRoute } from "../../src/core/endpoints/route.ts";
import type { Ids } from "../../src/core/ports/ids.ts";
import type { Log } from "../../src/home/part.ts";
import {
  type CallerDeps,
  chooseDeployment,
  chooseMirrors,
  DEPLOYMENT_HEADER,
  judgeCaller,
  NOT_THERE,
  type Refusal,
  renderRefusal,
  requestIdOf,
  SCORING_ADDRESS,
} from "../../src/home/scoring.ts";
import type { RouteStore } from "../../src/store/endpoint-routes.ts";

export interface ScoreDeps extends CallerDeps {
  readonly routes: Pick<RouteStore, "get">;
  readonly invoker: Invoker;
  readonly ids: Pick<Ids, "hex32">;
  readonly log: Log;
}

/** Where an answer goes as it comes. */
export type AnswerStream = Writable & { setContentType(type: string): void };

/** What is the connection's, the caller's secret, or the platform's. */
const DROPPED =
  /^(?:authorization|host|connection|content-length|transfer-encoding|x-request-id|x-amzn-.*|x-forwarded-port)$/;

/** An answer under way. */
interface Answering {
  readonly out: AnswerStream;
  readonly requestId: string;
  begun: boolean;
}

/** Answers one request to the endpoints' address: who may ask, which deployment; then the deployment's function has it. Throws where an answer breaks off that has begun, which Lambda then cuts. */
export async function answerScoring(deps: ScoreDeps, event: HttpEvent, out: AnswerStream): Promise<void> {
  const requestId = requestIdOf(event.headers["x-request-id"], deps.ids);
  const answering: Answering = { out, requestId, begun: false };
  try {
    await route(deps, event, answering);
  } catch (error) {
    deps.log.fault("a scoring request failed", error, { requestId, path: event.rawPath });
    if (answering.begun) throw error;
    refuse(answering, { status: 500, code: "Internal", message: "the router failed on this request" });
  }
}

async function route(deps: ScoreDeps, event: HttpEvent, answering: Answering): Promise<void> {
  const { requestId } = answering;
  const match = SCORING_ADDRESS.exec(event.rawPath);
  const [, workspace = "", name = "", path = "/"] = match ?? [];
  // Read with each request, so that whoever changed the way has changed it for all who come after.
  const found = match === null ? undefined : await deps.routes.get(workspace, name);
  const fault = await judgeCaller(deps, found, event.headers.authorization);
  if (fault !== undefined || found === undefined) return refuse(answering, fault ?? NOT_THERE);
  const chosen = chooseDeployment(found, event.headers[DEPLOYMENT_HEADER]);
  if (typeof chosen !== "string") return refuse(answering, chosen);
  const passed = passedOn(event, path, requestId);
  const [answer] = await Promise.all([
    deps.invoker.ask(found.targets[chosen]?.handle ?? "", passed),
    ...chooseMirrors(found, chosen).map((mirror) => copy(deps, found, mirror, passed)),
  ]);
  if ("why" in answer) {
    deps.log.info("a deployment gave no answer", { requestId, endpoint: `${workspace}/${name}/${chosen}`, ...answer });
    return refuse(answering, refusalOf(answer, chosen));
  }
  await pass(answer, chosen, answering);
}

/** A copy that can't be handed over is nobody's concern but the log's. */
async function copy(deps: ScoreDeps, found: EndpointRoute, mirror: string, event: HttpEvent): Promise<void> {
  await deps.invoker
    .copy(found.targets[mirror]?.handle ?? "", event)
    .catch((error: unknown) => deps.log.fault("a request could not be mirrored", error, { deployment: mirror }));
}

function passedOn(event: HttpEvent, rawPath: string, requestId: string): HttpEvent {
  const { rawQueryString, requestContext, body, isBase64Encoded } = event;
  const kept = Object.entries(event.headers).filter(([name]) => !DROPPED.test(name));
  return {
    version: "2.0",
    rawPath,
    rawQueryString,
    headers: { ...Object.fromEntries(kept), "x-request-id": requestId },
    requestContext: { http: { method: requestContext.http.method } },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded,
  };
}

async function pass(answer: Answered, deployment: string, answering: Answering): Promise<void> {
  const { out, requestId } = answering;
  const headers = { ...answer.prelude.headers, "x-request-id": requestId, [DEPLOYMENT_HEADER]: deployment };
  begin(answering, { ...answer.prelude, headers });
  for await (const chunk of answer.body) {
    // A caller who leaves closes it.
    if (!out.write(chunk)) await Promise.race([once(out, "drain"), once(out, "close")]);
  }
  out.end();
}

/** Lambda's own form, by hand: its helper sends nothing of an answer without a body. */
function begin(answering: Answering, prelude: HttpPrelude): void {
  const { out } = answering;
  answering.begun = true;
  // The length is the platform's to tell: it sends in chunks.
  const { "content-length": _, ...headers } = prelude.headers;
  out.setContentType(PRELUDE_TYPE);
  out.write(Buffer.concat([Buffer.from(JSON.stringify({ ...prelude, headers })), Buffer.alloc(PRELUDE_END_BYTES)]));
}

function refuse(answering: Answering, refusal: Refusal): void {
  const { headers, body } = renderRefusal(refusal, answering.requestId);
  begin(answering, { statusCode: refusal.status, headers });
  answering.out.end(body);
}

const RESTING_SEC = 5;

function refusalOf({ why }: Broken, deployment: string): Refusal {
  const its = `deployment \`${deployment}\``;
  const unavailable = { status: 503, code: "Unavailable", retryAfterSec: 1 };
  switch (why) {
    case "throttled":
      return {
        status: 429,
        code: "Unavailable",
        message: `this account has no free function for ${its}`,
        retryAfterSec: 1,
      };
    case "resting":
      return {
        ...unavailable,
        message: `${its} is being made ready again after a long rest`,
        retryAfterSec: RESTING_SEC,
      };
    case "gone":
      return {
        ...unavailable,
        message: `the function of ${its} is gone; any change of the deployment makes it again, such as \`yard online-deployment update --set tags.again=1\``,
      };
    case "too-large":
      return {
        status: 413,
        code: "TooLarge",
        message: "a request may have 6 MB at most, its headers and encoding included",
      };
    case "timeout":
      return { status: 504, code: "Timeout", message: `${its} did not answer in time`, retryAfterSec: 1 };
    case "died":
      return { status: 502, code: "Unavailable", message: `${its} ended while it had this request`, retryAfterSec: 1 };
  }
}
