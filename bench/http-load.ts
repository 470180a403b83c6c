import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A server that is busy is asked again, as MLflow's client does. */
class Busy extends Error {}
const TRIES = 100;
const RETRY_MS = 100;

/** Where a server answers, as every client of the load sees it. */
export interface Target {
  readonly port: number;
  /** Before `/api`: empty, or `/w/NAME`. */
  readonly prefix: string;
  readonly token: string | undefined;
}

/** One keep-alive connection that writes prepared bytes and reads whole JSON answers: little work beside the server's. */
export interface Connection {
  /** A body that is text is sent as it is, anything else as JSON. */
  send(method: "GET" | "POST", path: string, body?: unknown): Promise<string>;
  /** Calls sent again after 503, which MLflow answers while its database is locked. */
  readonly retries: () => number;
  close(): void;
}

interface Waiting {
  readonly about: string;
  readonly resolve: (body: string) => void;
  readonly reject: (error: Error) => void;
}

export async function open(target: Target): Promise<Connection> {
  const socket = await dial(target.port);
  let chunks: Buffer[] = [];
  let received = 0;
  let needed = 0;
  let waiting: Waiting | undefined;

  function fail(error: Error): void {
    waiting?.reject(error);
    waiting = undefined;
  }

  socket.on("data", (chunk) => {
    chunks.push(chunk);
    received += chunk.length;
    if (received < needed) return;
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    chunks = [bytes];
    const headEnd = bytes.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = bytes.toString("latin1", 0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) return fail(new Error(`an answer without a length: ${head}`));
    needed = headEnd + 4 + Number(length);
    if (received < needed) return;
    const asked = waiting;
    const body = bytes.toString("utf8", headEnd + 4, needed);
    chunks = [];
    received = 0;
    needed = 0;
    waiting = undefined;
    if (/^HTTP\/1\.1 2\d\d/.test(head)) asked?.resolve(body);
    else {
      const Kind = /^HTTP\/1\.1 503/.test(head) ? Busy : Error;
      asked?.reject(new Kind(`${asked.about} was answered with ${head.slice(0, 40)}: ${body.slice(0, 300)}`));
    }
  });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the server closed the connection")));

  const fixed = [
    `host: 127.0.0.1:${target.port}`,
    ...(target.token === undefined ? [] : [`authorization: Bearer ${target.token}`]),
  ].join("\r\n");
  let retries = 0;

  function sendOnce(method: string, path: string, body: unknown): Promise<string> {
    const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    const about =
      body === undefined ? "" : `\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}`;
    return new Promise((resolve, reject) => {
      waiting = { about: `${method} ${path}`, resolve, reject };
      socket.write(`${method} ${target.prefix}${path} HTTP/1.1\r\n${fixed}${about}\r\n\r\n${text}`);
    });
  }

  return {
    async send(method, path, body) {
      for (let tries = 0; ; tries++) {
        try {
          return await sendOnce(method, path, body);
        } catch (error) {
          if (!(error instanceof Busy) || tries === TRIES) throw error;
          retries++;
          await delay(RETRY_MS);
        }
      }
    },
    retries: () => retries,
    close: () => socket.destroy(),
  };
}

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** `count` operations by `clients` connections at once; milliseconds of each, and of all together. */
export async function load(
  target: Target,
  clients: number,
  count: number,
  operation: (connection: Connection, index: number) => Promise<unknown>,
): Promise<{ readonly each: readonly number[]; readonly totalMs: number; readonly retries: number }> {
  const connections = await Promise.all(Array.from({ length: clients }, () => open(target)));
  const each: number[] = [];
  let next = 0;
  const start = performance.now();
  try {
    await Promise.all(
      connections.map(async (connection) => {
        while (next < count) {
          const index = next++;
          const before = performance.now();
          await operation(connection, index);
          each.push(performance.now() - before);
        }
      }),
    );
  } finally {
    for (const connection of connections) connection.close();
  }
  const retries = connections.reduce((sum, connection) => sum + connection.retries(), 0);
  return { each, totalMs: performance.now() - start, retries };
}
