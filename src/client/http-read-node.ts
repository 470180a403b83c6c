import type { Socket } from "node:net";
import type { WireResponse } from "./transport.ts";

const HEAD_LIMIT_BYTES = 256 * 1024;

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/**
 * Reads one HTTP/1.1 response from a socket. Resolves when the head is there; the body streams with back-pressure.
 * `done` is told once when the message has ended, and whether the connection can carry another.
 */
export function readResponse(socket: Socket, method: string, done: (reusable: boolean) => void): Promise<WireResponse> {
  return new Promise((resolve, reject) => {
    let waiting: Buffer = Buffer.alloc(0);
    let sink: BodySink | undefined;
    let ended = false;

    const finish = (reusable: boolean) => {
      if (ended) return;
      ended = true;
      socket.off("data", onData).off("error", onError).off("close", onClose);
      // An idle connection's failure is nobody's business.
      socket.on("error", () => {});
      done(reusable);
    };
    const fail = (error: Error) => {
      finish(false);
      sink?.fail(error);
      reject(error);
    };
    const onError = (error: Error) => fail(error);
    const onClose = () => {
      if (sink?.untilClose === true) {
        sink.end();
        finish(false);
      } else fail(new Error("the connection was closed before the answer ended"));
    };
    const onData = (chunk: Buffer) => {
      try {
        if (sink !== undefined) {
          sink.take(chunk);
          return;
        }
        waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
        for (;;) {
          const end = waiting.indexOf("\r\n\r\n");
          if (end < 0) {
            if (waiting.length > HEAD_LIMIT_BYTES) throw new Error("the answer's headers are too long");
            return;
          }
          const head = parseHead(waiting.toString("latin1", 0, end));
          const rest = waiting.subarray(end + 4);
          if (head.status >= 100 && head.status < 200) {
            waiting = rest;
            continue;
          }
          sink = makeSink(socket, head, method, finish);
          resolve(responseOf(head, sink));
          sink.take(rest);
          return;
        }
      } catch (error) {
        fail(error as Error);
        socket.destroy();
      }
    };
    socket.on("data", onData).on("error", onError).on("close", onClose);
    socket.resume();
  });
}

function parseHead(text: string): Head {
  const [first = "", ...lines] = text.split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first);
  if (match === null) throw new Error("the answer is not HTTP");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const known = headers.get(name);
    headers.set(name, known === undefined ? value : `${known}, ${value}`);
  }
  return { status: Number(match[1]), headers };
}

function responseOf(head: Head, sink: BodySink): WireResponse {
  return {
    status: head.status,
    headers: { get: (name) => head.headers.get(name.toLowerCase()) ?? null },
    body: sink.stream,
    async text() {
      const chunks: Uint8Array[] = [];
      for await (const chunk of sink.stream) chunks.push(chunk);
      return Buffer.concat(chunks).toString("utf8");
    },
  };
}

interface BodySink {
  readonly stream: ReadableStream<Uint8Array>;
  /** The body ends where the connection does. */
  readonly untilClose: boolean;
  take(chunk: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

function makeSink(socket: Socket, head: Head, method: string, finish: (reusable: boolean) => void): BodySink {
  const keepAlive = head.headers.get("connection")?.toLowerCase() !== "close";
  const chunked = /\bchunked\s*$/i.test(head.headers.get("transfer-encoding") ?? "");
  const length = head.headers.get("content-length");
  const empty = method === "HEAD" || head.status === 204 || head.status === 304;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let closed = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given;
      },
      pull: () => {
        socket.resume();
      },
      cancel: () => {
        closed = true;
        finish(false);
      },
    },
    { highWaterMark: 256 * 1024, size: (chunk) => chunk.byteLength },
  );
  const push = (bytes: Buffer) => {
    if (closed || bytes.length === 0) return;
    controller?.enqueue(bytes);
    if ((controller?.desiredSize ?? 1) <= 0) socket.pause();
  };
  const end = () => {
    if (closed) return;
    closed = true;
    controller?.close();
  };
  const whole = () => {
    end();
    finish(keepAlive);
  };
  const fail = (error: Error) => {
    if (closed) return;
    closed = true;
    controller?.error(error);
  };
  const rest = { stream, end, fail };

  if (empty) return { ...rest, untilClose: false, take: whole };
  if (chunked) {
    const decoder = makeChunkDecoder(push, whole);
    return { ...rest, untilClose: false, take: decoder };
  }
  if (length === undefined) return { ...rest, untilClose: true, take: push };
  let left = Number(length);
  if (!Number.isSafeInteger(left) || left < 0) throw new Error("the answer's length is not a number");
  return {
    ...rest,
    untilClose: false,
    take(chunk) {
      push(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) whole();
    },
  };
}

/** Takes the chunked framing off. */
function makeChunkDecoder(push: (bytes: Buffer) => void, whole: () => void): (chunk: Buffer) => void {
  let line = "";
  let left = 0;
  let state: "size" | "data" | "after" | "trailer" | "done" = "size";
  return (chunk) => {
    let at = 0;
    while (at < chunk.length && state !== "done") {
      if (state === "data") {
        const piece = chunk.subarray(at, at + left);
        push(piece);
        at += piece.length;
        left -= piece.length;
        if (left === 0) state = "after";
        continue;
      }
      const newline = chunk.indexOf(10, at);
      line += chunk.toString("latin1", at, newline < 0 ? chunk.length : newline);
      if (line.length > 8192) throw new Error("the answer's chunk framing is broken");
      if (newline < 0) return;
      at = newline + 1;
      const text = line.replace(/\r$/, "");
      line = "";
      if (state === "after") state = "size";
      else if (state === "trailer") state = text === "" ? "done" : "trailer";
      else {
        const size = /^([0-9a-fA-F]{1,12})\s*(;|$)/.exec(text)?.[1];
        if (size === undefined) throw new Error("the answer's chunk framing is broken");
        left = Number.parseInt(size, 16);
        state = left === 0 ? "trailer" : "data";
      }
    }
    if (state === "done") whole();
  };
}
