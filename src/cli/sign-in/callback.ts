import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { AppError } from "../../contract/errors.ts";
import { SIGN_IN_PATH } from "../../contract/version.ts";

export interface Callback {
  readonly uri: string;
  /** The address that the browser was sent back to. */
  readonly returned: Promise<URL>;
  close(): void;
}

/** Waits on this machine for the browser's way back. Throws Conflict when something else has the port. */
export function listenForCallback(port: number): Promise<Callback> {
  return new Promise((resolve, reject) => {
    let onReturned: (url: URL) => void;
    const returned = new Promise<URL>((settle) => {
      onReturned = settle;
    });
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", `http://localhost:${port}`);
      response.setHeader("content-type", "text/plain; charset=utf-8");
      response.setHeader("connection", "close");
      if (request.method !== "GET" || url.pathname !== SIGN_IN_PATH) {
        response.writeHead(404).end("nothing here\n");
        return;
      }
      response.end("You can close this window and go back to the terminal.\n");
      onReturned(url);
    });
    server.once("error", (cause) => {
      reject(
        new AppError(
          "Conflict",
          `port ${port} of this machine is taken, and the sign-in needs it: ${cause.message}`,
          { hint: "end what listens there, or use `--no-browser`" },
          { cause },
        ),
      );
    });
    server.listen(port, "127.0.0.1", () => {
      const uri = callbackUri((server.address() as AddressInfo).port);
      resolve({ uri, returned, close: () => server.close() });
    });
  });
}

export function callbackUri(port: number): string {
  return `http://localhost:${port}${SIGN_IN_PATH}`;
}
