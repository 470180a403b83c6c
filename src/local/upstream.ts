import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import { SECRET_HEADER, UNTOUCHED_HEADER } from "../contract/replica.ts";
import { type Refusal, renderRefusal } from "../home/scoring.ts";

/** The replicas that serve a deployment now. `addresses` follows what the host sees. */
export interface Target {
  readonly deployment: string;
  readonly handle: string;
  addresses: readonly string[];
  turn: number;
  /** Addresses that broke off a moment ago, and until when others are tried first. */
  readonly shunned: Map<string, number>;
  /** What a replica may take for one request, waiting included. */
  readonly limitMs: number;
  readonly secret: string;
}

interface Passage {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly requestId: string;
  readonly target: Target;
  readonly path: string;
  readonly mirrors: readonly Target[];
}

export interface Upstreams {
  /** Passes one request to a replica and its answer back. Never rejects for what replica or caller do. */
  send(passage: Passage): Promise<void>;
  close(): void;
}

/** A body up to this size is held, so that another replica can have it, and mirrors. */
const HELD_BYTES = 1024 * 1024;
/** Beyond a replica's own limits: then its wrapper hangs. */
const PATIENCE_MS = 15_000;
const MIRRORS_AT_ONCE = 64;
/** A replica that was just lost is back, or another one has its traffic, within moments. */
const RETRY_MS = 50;
const RETRIES = 10;
/** The host sees a dead replica within this time, and takes it out. */
const SHUN_MS = 1000;

const DROPPED = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "content-length",
  "x-request-id",
  SECRET_HEADER,
]);
const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "date", "x-request-id", UNTOUCHED_HEADER]);

/** `untouched`: the replica passed nothing on, and another may have the request. */
type Outcome =
  | { readonly kind: "answered" }
  | { readonly kind: "untouched"; readonly answer?: IncomingMessage }
  | { readonly kind: "broken" | "late" };

export function makeUpstreams(): Upstreams {
  // Replicas close idle connections later than this side does, so none is closed under a request.
  const agent = new Agent({
    keepAlive: true,
    maxSockets: Number.POSITIVE_INFINITY,
    maxFreeSockets: 256,
    timeout: 60_000,
  });
  let mirroring = 0;

  function open(passage: Passage, target: Target, address: string, length: number | undefined) {
    const { hostname, port } = new URL(address);
    return request({
      hostname,
      port,
      agent,
      method: passage.incoming.method ?? "POST",
      path: passage.path,
      headers: headersFor(passage, target, length),
    });
  }

  /** One try of one replica. `body` undefined: it is streamed, and can be sent once only. */
  function attempt(passage: Passage, address: string, body: Buffer | undefined): Promise<Outcome> {
    const { incoming, outgoing, target } = passage;
    return new Promise((resolve) => {
      const sent = open(passage, target, address, body?.byteLength);
      const leave = (): void => void sent.destroy();
      outgoing.once("close", leave);
      const settle = (outcome: Outcome): void => {
        clearTimeout(limit);
        outgoing.off("close", leave);
        resolve(outcome);
      };
      const limit = setTimeout(() => {
        settle({ kind: "late" });
        sent.destroy();
      }, target.limitMs + PATIENCE_MS);
      sent.on("error", (error: NodeJS.ErrnoException) => {
        settle(error.code === "ECONNREFUSED" && body !== undefined ? { kind: "untouched" } : { kind: "broken" });
      });
      sent.on("response", (answer) => {
        if (answer.headers[UNTOUCHED_HEADER] !== undefined && body !== undefined) {
          settle({ kind: "untouched", answer });
          return;
        }
        deliver(passage, answer).then(
          () => settle({ kind: "answered" }),
          () => settle({ kind: "broken" }),
        );
      });
      if (body === undefined) incoming.pipe(sent);
      else sent.end(body);
    });
  }

  async function tryAll(passage: Passage, body: Buffer | undefined): Promise<void> {
    const { outgoing, requestId, target } = passage;
    for (let round = 0; ; round++) {
      const tries = body === undefined ? 1 : Math.max(1, target.addresses.length);
      for (let i = 0; i < tries; i++) {
        const address = nextOf(target);
        if (address === undefined) break;
        const outcome = await attempt(passage, address, body);
        if (outcome.kind === "broken") target.shunned.set(address, performance.now() + SHUN_MS);
        if (outgoing.destroyed || outcome.kind === "answered") return;
        if (outcome.kind === "untouched") {
          // The last replica's own words are the answer, when nobody else is there to ask.
          if (outcome.answer !== undefined && i === tries - 1)
            return void (await deliver(passage, outcome.answer).catch(() => outgoing.destroy()));
          outcome.answer?.resume();
          continue;
        }
        const late = outcome.kind === "late";
        const message = late ? "the replica did not answer in time" : "the replica ended while it had this request";
        return refuse(outgoing, requestId, {
          status: late ? 504 : 502,
          code: late ? "Timeout" : "Unavailable",
          message,
          retryAfterSec: 1,
        });
      }
      if (body === undefined || round >= RETRIES || outgoing.destroyed) break;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    const message = `deployment \`${target.deployment}\` has no replica that answers; it is being started again`;
    refuse(outgoing, requestId, { status: 503, code: "Unavailable", message, retryAfterSec: 1 });
  }

  /** Copies go out when the answer is on its way, and nobody waits for theirs. */
  function mirror(passage: Passage, body: Buffer): void {
    for (const target of passage.mirrors) {
      const address = nextOf(target);
      if (address === undefined || mirroring >= MIRRORS_AT_ONCE) continue;
      mirroring++;
      const sent = open(passage, target, address, body.byteLength);
      sent.setTimeout(target.limitMs + PATIENCE_MS, () => sent.destroy());
      sent.on("response", (answer) => answer.on("error", () => undefined).resume());
      sent.on("error", () => undefined);
      sent.on("close", () => mirroring--);
      sent.end(body);
    }
  }

  return {
    async send(passage) {
      const { incoming, outgoing } = passage;
      const length = Number(
        incoming.headers["content-length"] ?? (incoming.headers["transfer-encoding"] === undefined ? 0 : Number.NaN),
      );
      if (!(length <= HELD_BYTES)) return tryAll(passage, undefined);
      let body: Buffer;
      try {
        body = await readAll(incoming, length);
      } catch {
        outgoing.destroy();
        return;
      }
      await tryAll(passage, body);
      if (passage.mirrors.length > 0) mirror(passage, body);
    },
    close: () => agent.destroy(),
  };
}

/** Replicas take turns; one that broke off is passed over while there are others. */
function nextOf(target: Target): string | undefined {
  const { addresses, shunned } = target;
  const now = shunned.size === 0 ? 0 : performance.now();
  let last: string | undefined;
  for (let i = 0; i < addresses.length; i++) {
    last = addresses[target.turn++ % addresses.length];
    const until = last === undefined ? undefined : shunned.get(last);
    if (until === undefined) return last;
    if (until > now || last === undefined) continue;
    shunned.delete(last);
    return last;
  }
  return last;
}

function headersFor({ incoming, requestId }: Passage, target: Target, length: number | undefined): string[] {
  const headers: string[] = [];
  const { rawHeaders } = incoming;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!DROPPED.has(name.toLowerCase())) headers.push(name, rawHeaders[i + 1] ?? "");
  }
  headers.push("x-request-id", requestId, SECRET_HEADER, target.secret);
  const known = length ?? incoming.headers["content-length"];
  if (known === undefined) headers.push("transfer-encoding", "chunked");
  else if (known !== 0 || incoming.method === "POST") headers.push("content-length", String(known));
  return headers;
}

function readAll(incoming: IncomingMessage, length: number): Promise<Buffer> {
  if (length === 0) {
    incoming.resume();
    return Promise.resolve(Buffer.alloc(0));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    incoming.on("error", reject);
    incoming.on("close", () => reject(new Error("the caller left")));
  });
}

/** Streams an answer back, with backpressure. Rejects when the replica breaks off. */
function deliver({ outgoing, requestId, target }: Passage, answer: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers: string[] = [];
    for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2) {
      const name = answer.rawHeaders[i] ?? "";
      if (!HOP.has(name.toLowerCase())) headers.push(name, answer.rawHeaders[i + 1] ?? "");
    }
    headers.push("x-request-id", requestId, "azureml-model-deployment", target.deployment);
    outgoing.writeHead(answer.statusCode ?? 502, headers);
    answer.on("error", (error) => {
      // The head has gone out: cutting the connection is the only honest word left.
      outgoing.destroy();
      reject(error);
    });
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) answer.destroy();
      resolve();
    });
    outgoing.once("finish", resolve);
    answer.pipe(outgoing);
  });
}

/** An error that is the router's own. */
export function refuse(outgoing: ServerResponse, requestId: string, refusal: Refusal): void {
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  const { headers, body } = renderRefusal(refusal, requestId);
  outgoing.writeHead(refusal.status, headers);
  outgoing.end(body);
}
