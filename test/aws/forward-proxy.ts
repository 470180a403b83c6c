import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** What `http_proxy` of a program may name, so that it reaches the emulator's addresses: every name under `localhost` is this machine, which resolvers need not know. */
export async function openForwardProxy(): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "");
    const asked = {
      host: "127.0.0.1",
      port: url.port,
      path: url.pathname + url.search,
      method: incoming.method,
      headers: { ...incoming.headers, host: url.host },
    };
    const onward = request(asked, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
