import type { IncomingMessage } from "node:http";

/** How long an answered request may still send what nobody reads, before its connection is cut. */
const DRAIN_LIMIT_MS = 2000;

const LEFT = "the client left before its request was complete";

/**
 * A request's body as a stream with backpressure. Unlike `Readable.toWeb`, what the handler leaves unread does not stay on the connection:
 * there it would stand before the next request, which would wait for ever.
 */
export function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        incoming.on("data", (chunk: Uint8Array) => {
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
        });
        incoming.once("end", () => controller.close());
        incoming.once("error", (error) => controller.error(error));
        incoming.once("close", () => {
          if (!incoming.readableEnded) controller.error(new Error(LEFT));
        });
        incoming.pause();
      },
      pull() {
        incoming.resume();
      },
      cancel() {
        discard(incoming);
      },
    },
    { highWaterMark: 65_536, size: (chunk) => chunk.byteLength },
  );
}

/** A request's whole body; undefined, and the rest is left where it is, when it has more than `limit` bytes. */
export function allOf(incoming: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  if (Number(incoming.headers["content-length"] ?? 0) > limit) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    if (incoming.destroyed) return reject(new Error(LEFT));
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.byteLength;
      chunks.push(chunk);
      if (size <= limit) return;
      incoming.pause();
      resolve(undefined);
    });
    incoming.once("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    incoming.once("error", reject);
    incoming.once("close", () => {
      if (!incoming.readableEnded) reject(new Error(LEFT));
    });
  });
}

/** Bodies being thrown away: once is enough, and a second timer would find nobody to stop it. */
const discarded = new WeakSet<IncomingMessage>();

/** Takes the rest of a body off the connection, so that the next request can come; cuts the connection if there is too much of it. */
export function discard(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed || discarded.has(incoming)) return;
  discarded.add(incoming);
  incoming.removeAllListeners("data");
  incoming.removeAllListeners("end");
  incoming.removeAllListeners("close");
  incoming.resume();
  const cut = setTimeout(() => incoming.socket.destroy(), DRAIN_LIMIT_MS);
  incoming.once("end", () => clearTimeout(cut));
  incoming.once("close", () => clearTimeout(cut));
}
