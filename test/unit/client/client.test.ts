import { type AddressInfo, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { implement } from "../../../src/api/implement.ts";
import { makeClient } from "../../../src/client/client.ts";
import { makeSocketTransport } from "../../../src/client/http-node.ts";
import * as light from "../../../src/client/routes.ts";
import { makeFetchTransport, type Transport, type WireRequest } from "../../../src/client/transport.ts";
import { AppError } from "../../../src/contract/errors.ts";
import { routes } from "../../../src/contract/index.ts";
import { FRAME_TOKEN, serveFrame } from "../../helpers/frame.ts";

const experiment = {
  name: "a b/c",
  id: "7",
  archived: false,
  tags: {},
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
};

function answering(...answers: (Response | Error)[]): { transport: Transport; seen: WireRequest[] } {
  const seen: WireRequest[] = [];
  return {
    seen,
    transport: async (request) => {
      seen.push(request);
      const next = answers.shift();
      if (next === undefined) throw new Error("no further answer was prepared");
      if (next instanceof Error) throw next;
      return next;
    },
  };
}

const problem = (code: string, status: number, more: object = {}) =>
  new Response(JSON.stringify({ type: "urn:x", title: code, status, code, detail: `${code} happened`, ...more }), {
    status,
  });
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const reset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
const quick = { attempts: 4, baseMs: 1, maxMs: 2 };

describe.each([
  ["fetch", () => makeFetchTransport()],
  ["socket", () => makeSocketTransport()],
] as const)("a call over %s", (_name, transport) => {
  it("carries parameters, query and body to the route, and its answer back", async () => {
    const seen: unknown[] = [];
    const home = await serveFrame([
      implement(routes.experiments.update, async ({ params, body }) => {
        seen.push(params, body);
        return experiment;
      }),
      implement(routes.experiments.list, async ({ query }) => {
        seen.push(query);
        return { items: [experiment] };
      }),
    ]);
    const client = makeClient({ url: home.url, token: FRAME_TOKEN, transport: transport() });

    const updated = await client.call(light.experiments.update, {
      params: { workspace: "default", name: "a b/c" },
      body: { tags: { ключ: "значение" } },
    });
    const page = await client.call(routes.experiments.list, {
      params: { workspace: "default" },
      query: { limit: 3, archived: "all" },
    });

    expect(seen).toEqual([
      { workspace: "default", name: "a b/c" },
      { tags: { ключ: "значение" } },
      { limit: 3, archived: "all" },
    ]);
    expect(updated).toEqual(experiment);
    expect(page.items).toEqual([experiment]);
  });

  it("rebuilds the server's error with code, message, hint and details", async () => {
    const home = await serveFrame([
      implement(routes.experiments.get, async () => {
        throw new AppError("NotFound", "experiment `x` does not exist", { hint: "look again", near: "y" });
      }),
    ]);
    const client = makeClient({ url: home.url, token: FRAME_TOKEN, transport: transport() });

    const call = client.call(light.experiments.get, { params: { workspace: "default", name: "x" } });

    await expect(call).rejects.toMatchObject({
      name: "AppError",
      code: "NotFound",
      message: "experiment `x` does not exist",
      details: { hint: "look again", near: "y", status: 404 },
    });
  });

  it("sends and receives bytes as streams", async () => {
    const sent = new Uint8Array(3_000_000).map((_, i) => i % 251);
    const home = await serveFrame([
      implement(routes.files.write, async ({ body }) => {
        let stored = 0;
        for await (const chunk of body) stored += chunk.byteLength;
        return { stored };
      }),
      implement(routes.files.read, async () => new Response(sent)),
    ]);
    const client = makeClient({ url: home.url, token: FRAME_TOKEN, transport: transport() });
    const params = { workspace: "default" };
    const body = () => new Blob([sent]).stream();

    const written = await client.call(light.files.write, { params, query: { uri: "x" }, body });
    const answer = await client.call(light.files.read, { params, query: { uri: "x" } });
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body ?? []) chunks.push(chunk);

    expect(written.stored).toBe(sent.length);
    expect(Buffer.compare(Buffer.concat(chunks), sent)).toBe(0);
  });

  it("is Unavailable, naming the address, where nothing listens", async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    const client = makeClient({ url, transport: transport(), retry: { attempts: 1 } });

    await expect(client.call(light.home.health, {})).rejects.toMatchObject({
      code: "Unavailable",
      message: `nothing listens at \`${url}\``,
      details: { cause: "ECONNREFUSED" },
    });
  });

  it("ends with the signal's reason", async () => {
    const home = await serveFrame([implement(routes.jobs.cancel, () => new Promise<never>(() => undefined))]);
    const client = makeClient({ url: home.url, token: FRAME_TOKEN, transport: transport() });
    const abort = new AbortController();

    const call = client.call(light.jobs.cancel, {
      params: { workspace: "default", name: "j" },
      body: {},
      signal: abort.signal,
    });
    setImmediate(() => abort.abort(new Error("enough")));

    await expect(call).rejects.toThrow("enough");
  });
});

describe("retries", () => {
  it("repeats a GET after a reset and after 503, and gives up after its attempts", async () => {
    const { transport, seen } = answering(reset(), problem("Unavailable", 503), Response.json({ status: "ok" }));
    const client = makeClient({ url: "http://home", transport, retry: quick });
    expect(await client.call(light.home.health, {})).toEqual({ status: "ok" });
    expect(seen).toHaveLength(3);

    const broken = answering(reset(), reset(), reset(), reset(), reset());
    const other = makeClient({ url: "http://home", transport: broken.transport, retry: quick });
    await expect(other.call(light.home.health, {})).rejects.toMatchObject({ code: "Unavailable" });
    expect(broken.seen).toHaveLength(4);
  });

  it("does not repeat a POST that may have been carried out, but one that was turned away", async () => {
    const lost = answering(reset(), Response.json({}));
    const client = makeClient({ url: "http://home", transport: lost.transport, retry: quick });
    const input = { params: { workspace: "w", name: "j" }, body: {} };
    await expect(client.call(light.jobs.cancel, input)).rejects.toMatchObject({ code: "Unavailable" });
    expect(lost.seen).toHaveLength(1);

    const busy = answering(problem("TooManyRequests", 429), Response.json({ name: "j" }));
    const patient = makeClient({ url: "http://home", transport: busy.transport, retry: quick });
    expect(await patient.call(light.jobs.cancel, input)).toEqual({ name: "j" });
  });

  it("does not repeat what the server found wrong", async () => {
    const { transport, seen } = answering(problem("NotFound", 404));
    const client = makeClient({ url: "http://home", transport, retry: quick });

    await expect(client.call(light.home.health, {})).rejects.toMatchObject({ code: "NotFound" });

    expect(seen).toHaveLength(1);
  });

  it("asks for the address before each attempt, so that it finds a home that has moved", async () => {
    const { transport, seen } = answering(reset(), Response.json({ status: "ok" }));
    const addresses = ["http://old", "http://new"];
    const client = makeClient({ url: () => addresses.shift() ?? "", transport, retry: quick });

    await client.call(light.home.health, {});

    expect(seen.map((request) => request.url)).toEqual(["http://old/api/v1/health", "http://new/api/v1/health"]);
  });
});

describe("raw", () => {
  it("sends the token to the home only", async () => {
    const { transport, seen } = answering(new Response("a"), new Response("b"));
    const client = makeClient({ url: "http://home/", token: "secret", transport });

    await client.raw("/api/v1/x", { headers: { "x-a": "1" } });
    await client.raw("https://bucket.example/x?signature=1", { headers: { "x-b": "2" } });

    expect(seen.map(({ url, headers }) => ({ url, headers }))).toEqual([
      { url: "http://home/api/v1/x", headers: { authorization: "Bearer secret", "x-a": "1" } },
      { url: "https://bucket.example/x?signature=1", headers: { "x-b": "2" } },
    ]);
  });
});

describe("an answer that is not ours", () => {
  it.each([
    [new Response("<html>bad gateway</html>", { status: 502 }), "Unavailable"],
    [new Response("moved", { status: 302 }), "Unavailable"],
    [new Response("no", { status: 401 }), "Unauthenticated"],
    [new Response("<html>", { status: 200 }), "Unavailable"],
  ])("becomes an error by its status", async (response, code) => {
    const { transport } = answering(response);
    const client = makeClient({ url: "http://home", transport, retry: { attempts: 1 } });

    await expect(client.call(light.home.health, {})).rejects.toMatchObject({ code });
  });
});

describe("a redirect", () => {
  const away = (location: string) => new Response("", { status: 307, headers: { location } });
  const get = (transport: Transport, headers = {}) =>
    makeClient({ url: "http://home.test", token: "secret", transport, retry: { attempts: 1 } }).raw("/file", {
      headers,
    });

  it("to another host is followed, without the token and for the same bytes", async () => {
    const { transport, seen } = answering(away("https://bucket.test/key?signed"), new Response("bytes"));

    expect(await (await get(transport, { range: "bytes=3-" })).text()).toBe("bytes");
    expect(seen[1]).toMatchObject({ url: "https://bucket.test/key?signed", headers: { range: "bytes=3-" } });
    expect(seen[1]?.headers).not.toHaveProperty("authorization");
  });

  it("from there to a third, or to the home itself, is not", async () => {
    const chain = answering(away("https://bucket.test/key"), away("https://other.test/"));
    const home = answering(away("/elsewhere"));

    await expect(get(chain.transport)).rejects.toThrow("307");
    await expect(get(home.transport)).rejects.toThrow("307");
    expect([chain.seen.length, home.seen.length]).toEqual([2, 1]);
  });
});
