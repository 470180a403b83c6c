import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonReply, Reply } from "../api/reply.ts";

/** Sends an answer: JSON in one piece with its length, anything else as it streams. */
export async function send(reply: Reply, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const hasBody = incoming.method !== "HEAD";
  if (!(reply instanceof Response)) return sendJson(reply, hasBody, outgoing);
  outgoing.statusCode = reply.status;
  for (const [name, value] of reply.headers) if (name !== "set-cookie") outgoing.setHeader(name, value);
  const cookies = reply.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (reply.body === null || !hasBody) {
    await reply.body?.cancel();
    outgoing.end();
    return;
  }
  if (isWhole(reply)) {
    const bytes = new Uint8Array(await reply.arrayBuffer());
    outgoing.setHeader("content-length", bytes.byteLength);
    outgoing.end(bytes);
    return;
  }
  await pump(reply.body, outgoing);
}

function sendJson({ status, headers, body }: JsonReply, hasBody: boolean, outgoing: ServerResponse): void {
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  if (!hasBody) {
    outgoing.writeHead(status, fields);
    outgoing.end();
    return;
  }
  const pieces = typeof body === "string" ? [body] : body;
  let length = 0;
  for (const piece of pieces) length += Buffer.byteLength(piece);
  fields.push("content-length", String(length));
  outgoing.writeHead(status, fields);
  const last = pieces.length - 1;
  // All of it is in memory already; held back, it goes to the system at once.
  if (last > 0) outgoing.cork();
  for (let i = 0; i < last; i++) outgoing.write(pieces[i]);
  outgoing.end(pieces[last] ?? "");
}

/** JSON answers are in memory already: sent in one piece with their length. */
function isWhole(response: Response): boolean {
  return /^application\/(?:problem\+)?json/.test(response.headers.get("content-type") ?? "");
}

async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader();
  outgoing.once("close", () => {
    // Fails only for a stream that has failed already.
    reader.cancel().catch(() => undefined);
  });
  outgoing.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (outgoing.destroyed) return;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off("drain", go);
      outgoing.off("close", go);
      resolve();
    };
    outgoing.once("drain", go);
    outgoing.once("close", go);
  });
}
