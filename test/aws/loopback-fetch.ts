import { request as send } from "node:http";
import { Readable } from "node:stream";

/** `fetch` for the emulator's addresses: every name under `localhost` is this machine, which resolvers need not know. */
export const loopbackFetch: typeof fetch = async (input, init) => {
  const asked = new Request(input, init);
  const url = new URL(asked.url);
  const headers = { ...Object.fromEntries(asked.headers), host: url.host };
  const body = asked.body === null ? undefined : Buffer.from(await asked.arrayBuffer());
  return new Promise((resolve, reject) => {
    const outgoing = send(
      { host: "127.0.0.1", port: url.port, path: url.pathname + url.search, method: asked.method, headers },
      (incoming) => {
        const answered = new Headers();
        for (const [name, value] of Object.entries(incoming.headers)) {
          for (const each of [value].flat()) if (each !== undefined) answered.append(name, each);
        }
        const status = incoming.statusCode ?? 500;
        const isEmpty = status === 204 || status === 304 || asked.method === "HEAD";
        if (isEmpty) incoming.resume();
        const content = isEmpty ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
        resolve(new Response(content, { status, headers: answered }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
};
