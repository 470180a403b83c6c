import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeSocketTransport } from "../../../src/client/http-node.ts";

/** A server that is handed each request's bytes and the socket, and knows how many connections there were. */
async function rawServer(onRequest: (text: string, socket: Socket, number: number) => void) {
  const sockets = new Set<Socket>();
  let requests = 0;
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => onRequest(chunk.toString("latin1"), socket, ++requests));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, connections: () => connections, sockets };
}

const get = (url: string) => ({ method: "GET", url: `${url}/x`, headers: {} });

describe("the socket transport", () => {
  it("reads bodies by length, by chunks split anywhere, and up to the end of the connection", async () => {
    const parts = [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "lo\r",
      "\n6;x=y\r\n world\r\n0\r\nTrailer: 1\r",
      "\n\r\n",
    ];
    const server = await rawServer((_text, socket, number) => {
      if (number === 1) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst");
      else if (number === 2) {
        const send = () => {
          const part = parts.shift();
          if (part !== undefined) socket.write(part, () => setImmediate(send));
        };
        send();
      } else socket.end("HTTP/1.1 200 OK\r\n\r\nto the end");
    });
    const transport = makeSocketTransport();

    const texts: string[] = [];
    for (let i = 0; i < 3; i++) texts.push(await (await transport(get(server.url))).text());

    expect(texts).toEqual(["first", "hello world", "to the end"]);
    expect(server.connections()).toBe(1);
  });

  it("skips interim answers, and reads no body where there is none", async () => {
    const server = await rawServer((text, socket) => {
      socket.write(
        text.startsWith("HEAD")
          ? "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
          : "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
      );
    });
    const transport = makeSocketTransport();

    const head = await transport({ ...get(server.url), method: "HEAD" });
    const empty = await transport(get(server.url));

    expect(head.headers.get("Content-Length")).toBe("10");
    expect(await head.text()).toBe("");
    expect([empty.status, await empty.text()]).toEqual([204, ""]);
    expect(server.connections()).toBe(1);
  });

  it("opens a new connection when the kept one was closed meanwhile", async () => {
    const server = await rawServer((_text, socket, number) => {
      // The second request arrives on a connection the server gives up without an answer.
      if (number === 2) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const transport = makeSocketTransport();

    expect(await (await transport(get(server.url))).text()).toBe("ok");
    expect(await (await transport(get(server.url))).text()).toBe("ok");

    expect(server.connections()).toBe(2);
  });

  it("fails, rather than hand over half a body, when the connection breaks", async () => {
    const server = await rawServer((_text, socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", () => socket.destroy());
    });

    const response = await makeSocketTransport()(get(server.url));

    await expect(response.text()).rejects.toThrow(/closed|reset/i);
  });

  it("refuses what is not HTTP", async () => {
    const server = await rawServer((_text, socket) => socket.write("SSH-2.0-OpenSSH\r\n\r\n"));

    await expect(makeSocketTransport()(get(server.url))).rejects.toThrow("not HTTP");
  });

  it("hands over an answer that comes before the body was sent, and does not use that connection again", async () => {
    const server = await rawServer((text, socket) => {
      if (text.startsWith("PUT")) socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch");
      else if (text.startsWith("GET")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const transport = makeSocketTransport();
    let feed: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        feed = controller;
        controller.enqueue(new Uint8Array(10));
      },
    });

    const refused = await transport({ method: "PUT", url: `${server.url}/x`, headers: {}, body });
    const text = await refused.text();
    const next = await transport(get(server.url));
    feed?.close();

    expect([refused.status, text, next.status]).toEqual([413, "much", 200]);
    expect(server.connections()).toBe(2);
  });

  it("does not read ahead of a slow reader without bound", async () => {
    const total = 64 * 1024 * 1024;
    let written = 0;
    const server = await rawServer((_text, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      const block = Buffer.alloc(1024 * 1024);
      const pump = () => {
        while (written < total) {
          written += block.length;
          if (!socket.write(block)) {
            socket.once("drain", pump);
            return;
          }
        }
      };
      pump();
    });

    const response = await makeSocketTransport()(get(server.url));
    const reader = response.body?.getReader();
    let read = 0;
    let largestLead = 0;
    for (;;) {
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) break;
      read += chunk.value.byteLength;
      if (read < total / 2) largestLead = Math.max(largestLead, written - read);
    }

    expect(read).toBe(total);
    expect(largestLead).toBeLessThan(total / 2);
  });

  it("refuses header values that would start another header", async () => {
    const server = await rawServer(() => undefined);

    const call = makeSocketTransport()({ ...get(server.url), headers: { "x-name": "a\r\nx-evil: 1" } });

    await expect(call).rejects.toThrow("line break");
  });
});
