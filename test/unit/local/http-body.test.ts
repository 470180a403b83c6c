import { Agent, request } from "node:http";
import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { ApiRequest } from "../../../src/api/raw-route.ts";
import { openHttp } from "../../../src/local/http.ts";
import { until } from "../../helpers/ports.ts";

/** What a handler does with a body, by the path it is sent to. */
async function handle(incoming: ApiRequest): Promise<Response> {
  switch (new URL(incoming.url).pathname) {
    case "/whole":
      return new Response(String((await incoming.readAll?.(100_000_000))?.byteLength));
    case "/streamed":
      return new Response(String((await new Response(incoming.body).arrayBuffer()).byteLength));
    case "/limited":
      return new Response(String(await incoming.readAll?.(50)));
    case "/part": {
      const reader = incoming.body?.getReader();
      await reader?.read();
      reader?.releaseLock();
      return new Response("part");
    }
    case "/cancel":
      await incoming.body?.cancel();
      return new Response("cancel");
    default:
      return new Response("unread", { status: 404 });
  }
}

async function serve() {
  const refuse = () => new Response("", { status: 400 });
  const server = await openHttp({ port: 0, handle, refuse, onFault: () => undefined });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  onTestFinished(async () => {
    agent.destroy();
    await server.close();
  });
  const send = (path: string, sizeBytes: number) =>
    new Promise<string>((resolve, reject) => {
      const sent = request(`${server.url}${path}`, { method: "PUT", agent }, (response) => {
        ports.add(response.socket.localPort);
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve(text));
      });
      sent.on("error", reject);
      sent.end(Buffer.alloc(sizeBytes));
    });
  return { send, ports, url: server.url };
}

it("answers the next request of a connection whatever was left of the one before", async () => {
  const { send, ports } = await serve();

  for (const path of ["/unread", "/part", "/cancel", "/limited"]) {
    for (const sizeBytes of [0, 700, 100_000, 3_000_000]) {
      const answer = path === "/limited" ? (sizeBytes === 0 ? "" : "undefined") : path.slice(1);
      expect(await send(path, sizeBytes)).toBe(answer);
      expect(await send("/whole", 700)).toBe("700");
      expect(await send("/streamed", 700)).toBe("700");
    }
  }

  expect(ports.size).toBe(1);
});

it("keeps a connection whose unread body came late, long after it was taken off", async () => {
  const { url } = await serve();
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let answers = 0;
  socket.on("data", (bytes: Buffer) => {
    answers += bytes.toString("latin1").split("HTTP/1.1 200").length - 1;
  });
  const half = Buffer.alloc(50_000);
  socket.write("PUT /cancel HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n");
  socket.write(half);
  await until(() => answers === 1, "the answer");
  socket.write(half);
  const begun = performance.now();

  // Longer than a body that never ends is waited for.
  await until(async () => {
    const before = answers;
    socket.write("PUT /cancel HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
    await until(() => answers > before || socket.destroyed, "an answer");
    return socket.destroyed || performance.now() - begun > 2500;
  }, "the end of the wait");

  expect(socket.destroyed).toBe(false);
});

it("hands on a large body whole", async () => {
  const { send } = await serve();

  expect(await send("/whole", 20_000_000)).toBe("20000000");
});
