import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Every service of AWS in one, which has nothing, takes everything, and answers `more` beside that. */
export async function openEmptyAws(
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.setHeader("content-type", "application/x-amz-json-1.0");
      response.end(JSON.stringify({ Items: [], Count: 0, ...more }));
    });
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
