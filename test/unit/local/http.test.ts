import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ApiRequest } from "../../../src/api/raw-route.ts";
import type { Reply } from "../../../src/api/reply.ts";
import { AppError } from "../../../src/contract/errors.ts";
import { openHttp } from "../../../src/local/http.ts";
import { until } from "../../helpers/ports.ts";

async function serve(handle: (request: ApiRequest) => Promise<Reply>) {
  const faults: string[] = [];
  const server = await openHttp({
    port: 0,
    handle,
    refuse: (error) => Response.json({ code: error.code }, { status: 403 }),
    onFault: (error, about) => faults.push(`${about}: ${error}`),
  });
  onTestFinished(() => server.close());
  return { ...server, faults };
}

const hello = async (): Promise<Response> => new Response("hello");

/** What a server answers to bytes as they are. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(text));
    let answer = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      answer += part;
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}

describe("who may ask", () => {
  const ask = (port: number, headers: string, target = "/") =>
    raw(port, `GET ${target} HTTP/1.1\r\n${headers}\r\n\r\n`);

  test.each(["localhost", "LOCALHOST:1234", "127.0.0.1:80", "127.1.2.3", "[::1]:9", "studio.localhost"])(
    "host %s is this machine",
    async (host) => {
      const { port } = await serve(hello);

      expect(await ask(port, `Host: ${host}\r\nConnection: close`)).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  test.each(["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "a@localhost"])(
    "host %s is not",
    async (host) => {
      const { port } = await serve(hello);

      expect(await ask(port, `Host: ${host}\r\nConnection: close`)).toMatch(/^HTTP\/1\.1 403 /);
    },
  );

  test("a page of another origin is refused, one of its own is not", async () => {
    const { port } = await serve(hello);
    const from = (origin: string) => ask(port, `Host: localhost:${port}\r\nOrigin: ${origin}\r\nConnection: close`);

    expect(await from(`http://localhost:${port}`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await from("https://evil.example")).toMatch(/^HTTP\/1\.1 403 /);
    expect(await from("http://localhost:1")).toMatch(/^HTTP\/1\.1 403 /);
    expect(await from("null")).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("a target of another address is refused", async () => {
    const { port } = await serve(hello);

    expect(await ask(port, "Host: localhost\r\nConnection: close", "http://evil.example/")).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe("bodies", () => {
  test("stream both ways with the server holding a little of them at a time", async () => {
    const CHUNKS = 400;
    let held = 0;
    let most = 0;
    const { url } = await serve(async (request) => {
      const counted = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          held += chunk.byteLength;
          most = Math.max(most, held);
          controller.enqueue(chunk);
        },
      });
      return new Response(request.body?.pipeThrough(counted) ?? null);
    });
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(65_536).fill(sent));
        sent += 1;
        if (sent === CHUNKS) controller.close();
      },
    });
    const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
    const response = await fetch(`${url}/`, init);
    let received = 0;
    for await (const chunk of response.body ?? []) {
      received += chunk.byteLength;
      held -= chunk.byteLength;
    }

    expect(received).toBe(CHUNKS * 65_536);
    expect(most).toBeLessThan((CHUNKS * 65_536) / 2);
  });

  test("a client that leaves aborts its request", async () => {
    let aborted = false;
    const { url } = await serve(
      (request) =>
        new Promise((resolve) => {
          request.signal.addEventListener("abort", () => {
            aborted = true;
            resolve(new Response());
          });
        }),
    );
    const leaving = new AbortController();
    const asked = fetch(url, { signal: leaving.signal }).catch((error: Error) => error.name);
    setTimeout(() => leaving.abort(), 20);

    expect(await asked).toBe("AbortError");
    await until(() => aborted, "the signal");
  });

  test("a body that fails halfway breaks the answer, not the server", async () => {
    const { url, faults } = await serve(
      async () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              controller.enqueue(new TextEncoder().encode("half"));
              controller.error(new Error("disk gone"));
            },
          }),
        ),
    );
    const broken = await fetch(`${url}/part?token=hunter2`).then(
      (response) => response.text().catch(() => "broken"),
      () => "broken",
    );

    expect(broken).toBe("broken");
    // A query may hold a credential, and a log outlives it.
    expect(faults).toEqual(["GET /part: Error: disk gone"]);
    expect((await fetch(url).catch(() => undefined)) === null).toBe(false);
  });
});

test("methods that fetch refuses reach the frame as they are", async () => {
  const { port } = await serve(async (request) => new Response(request.method));

  expect(await raw(port, "TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).toMatch(/\r\nTRACE\r\n/);
});

test("a taken port is named, with what to do", async () => {
  const { port } = await serve(hello);
  const second = openHttp({ port, handle: hello, refuse: () => new Response(), onFault: () => undefined });

  await expect(second).rejects.toMatchObject({ code: "Conflict", details: { port } });
  await expect(second).rejects.toThrow(AppError);
  await expect(second).rejects.toThrow(`port ${port} is taken`);
});
