import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { deployHome } from "./deployment.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where test files ask for the home that they share. */
    readonly homes: string;
  }
}

/** Set-up of a whole run: test files that need a deployed home share one, which is deployed for the first that asks for it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const made: ReturnType<typeof deployHome>[] = [];
  let home: ReturnType<typeof deployHome> | undefined;
  let users = 0;

  async function lease(): Promise<object> {
    if (home === undefined) {
      home = deployHome();
      made.push(home);
    }
    users += 1;
    try {
      const { url, endpoint, folder } = await home;
      return { url, endpoint, folder };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  const server = createServer(async ({ method, url }, response) => {
    if (url === "/take-over") {
      if (users === 1) home = undefined;
      response.writeHead(users === 1 ? 204 : 409).end();
    } else if (method === "DELETE") {
      users -= 1;
      response.writeHead(204).end();
    } else response.end(JSON.stringify(await lease()));
  });
  // A home takes minutes on a slow machine.
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  project.provide("homes", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    for (const each of made) await each.then(({ cleanup }) => cleanup()).catch(() => undefined);
  };
}
