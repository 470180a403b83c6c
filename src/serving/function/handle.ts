import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import {
  type HttpEvent,
  type HttpPrelude,
  PRELUDE_END_BYTES,
  type ProbeAnswer,
  type ProbeEvent,
  SECRET_HEADER,
} from "../../contract/replica.ts";
import type { LogFile } from "../log-file.ts";
import type { Invocation } from "./runtime.ts";
import type { FunctionStatus } from "./status.ts";

export interface HandleDeps {
  readonly status: FunctionStatus;
  readonly log: LogFile;
  readonly secret: string;
  /** Port of the proxy; undefined while model and code are being brought. */
  readonly port: () => number | undefined;
}

/** What has to be left of an invocation's time to say that the model did not come up in it. */
const SPARE_MS = 1500;

/** Answers one invocation: a probe, or a request, which the proxy gets as if it had come over the network. */
export async function handleInvocation(deps: HandleDeps, invocation: Invocation): Promise<void> {
  const event = invocation.event as ProbeEvent | HttpEvent;
  if ("trainyard" in event) {
    await deps.status.known(event.wait_ms);
    const { phase, reason } = deps.status;
    const answer: ProbeAnswer = { phase, ...(reason === undefined ? {} : { reason }), log: deps.log.tail().join("\n") };
    return invocation.answer(answer);
  }
  // A function that was just made for this request: its caller waits until the model is there.
  await deps.status.known(Math.max(0, invocation.deadlineMs - Date.now() - SPARE_MS));
  const port = deps.port();
  const { phase, reason } = deps.status;
  if (port === undefined || phase === "failed" || phase === "starting" || phase === "preparing") {
    const why = reason === undefined ? "did not come up in time" : `can't be started: ${reason}`;
    return refuse(invocation, `the deployment's model server ${why}`);
  }
  const answer = await ask(port, event, deps.secret).catch((error: Error) => error);
  if (answer instanceof Error) return refuse(invocation, `the deployment's replica broke off: ${answer.message}`);
  await pass(invocation, answer);
}

function ask(port: number, event: HttpEvent, secret: string): Promise<IncomingMessage> {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  const query = event.rawQueryString === "" ? "" : `?${event.rawQueryString}`;
  return new Promise((resolve, reject) => {
    const sent = request({
      hostname: "127.0.0.1",
      port,
      // While a function is frozen, a connection that is kept grows old unseen.
      agent: false,
      method: event.requestContext.http.method,
      path: `${event.rawPath}${query}`,
      headers: { ...event.headers, [SECRET_HEADER]: secret, "content-length": String(body.byteLength) },
    });
    sent.once("response", resolve);
    sent.once("error", reject);
    sent.end(body);
  });
}

const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "set-cookie"]);

async function pass(invocation: Invocation, answer: IncomingMessage): Promise<void> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !HOP.has(name)) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  const cookies = answer.headers["set-cookie"];
  const { to, taken, breakOff } = invocation.stream();
  to.write(prelude({ statusCode: answer.statusCode ?? 502, headers, ...(cookies === undefined ? {} : { cookies }) }));
  try {
    for await (const chunk of answer) if (!to.write(chunk)) await Promise.race([once(to, "drain"), taken]);
    to.end();
  } catch {
    breakOff("the replica broke off its answer");
  }
  await taken;
}

async function refuse(invocation: Invocation, message: string): Promise<void> {
  const body = JSON.stringify({ message });
  const { to, taken } = invocation.stream();
  const headers = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "retry-after": "1",
    "x-ms-run-function-failed": "False",
  };
  to.write(prelude({ statusCode: 503, headers }));
  to.end(body);
  await taken;
}

function prelude(of: HttpPrelude): Buffer {
  return Buffer.concat([Buffer.from(JSON.stringify(of)), Buffer.alloc(PRELUDE_END_BYTES)]);
}
