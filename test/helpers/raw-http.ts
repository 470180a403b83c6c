import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** The head as it came, status line and headers. */
  readonly head: string;
  readonly body: string;
}

/** One connection that sends bytes as they are: no client tidies the address, the headers or the body. */
export interface RawConnection {
  /** Rejects if the connection ends before a whole answer is there. */
  send(request: string | Uint8Array): Promise<RawAnswer>;
  close(): void;
}

export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = await dial(hostname, Number(port));
  let bytes = Buffer.alloc(0);
  let waiting: { resolve: (answer: RawAnswer) => void; reject: (error: Error) => void } | undefined;
  const settle = () => {
    const answer = waiting === undefined ? undefined : parse(bytes);
    if (answer === undefined) return;
    bytes = bytes.subarray(answer.end);
    waiting?.resolve(answer);
    waiting = undefined;
  };
  const fail = (error: Error) => {
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    settle();
  });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the server closed the connection")));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        if (socket.destroyed) fail(new Error("the server closed the connection"));
        socket.write(request);
        settle();
      }),
    close: () => socket.destroy(),
  };
}

/** One request on a connection of its own. */
export async function sendRaw(url: string, request: string | Uint8Array): Promise<RawAnswer> {
  const connection = await openRaw(url);
  try {
    return await connection.send(request);
  } finally {
    connection.close();
  }
}

function dial(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

function parse(bytes: Buffer): (RawAnswer & { readonly end: number }) | undefined {
  const at = bytes.indexOf("\r\n\r\n");
  if (at < 0) return undefined;
  const head = bytes.toString("latin1", 0, at);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  const from = at + 4;
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return chunked(bytes, from, status, head);
  const end = from + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return bytes.length < end ? undefined : { status, head, body: bytes.toString("utf8", from, end), end };
}

function chunked(bytes: Buffer, from: number, status: number, head: string) {
  let body = "";
  for (let at = from; ; ) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    const end = line + 2 + size;
    if (bytes.length < end + 2) return undefined;
    if (size === 0) return { status, head, body, end: end + 2 };
    body += bytes.toString("utf8", line + 2, end);
    at = end + 2;
  }
}
