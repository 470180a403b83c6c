import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHome } from "../../src/adapters/local/home.ts";
import { signUserToken } from "../../src/core/auth/tokens.ts";
import type { Ground } from "../../src/home/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { handleAsAws } from "./aws-home.ts";
import { meterTable, type Units } from "./metered-table.ts";

export interface MeteredHome {
  readonly units: Units;
  readonly ground: Ground;
  /** An MLflow call; its answer. Throws where it is refused. */
  call(method: "GET" | "POST", path: string, body?: unknown): Promise<string>;
  /** Any call; its answer. Throws where it is refused. */
  ask(method: string, path: string, body?: unknown): Promise<string>;
  /** A function that has just started: it remembers nothing. */
  restart(): void;
  close(): Promise<void>;
}

/** What the AWS home's function composes, over a metered table on this machine: the items are the same, byte by byte. */
export async function openMeteredHome(): Promise<MeteredHome> {
  const dir = mkdtempSync(join(tmpdir(), "trainyard-meter-"));
  const home = await openHome({ dir });
  const { table, units } = meterTable(home.table);
  const ground: Ground = {
    ...home,
    table,
    activity: makeActivityWrite(home),
    log: { info: () => undefined, fault: (message, error) => console.error(message, error) },
    address: () => "http://home.test",
  };
  let handle = handleAsAws(ground);
  const token = await signUserToken(home.signer, { name: "owner", roles: { "*": "owner" }, id: "bench" });

  async function ask(method: string, path: string, body?: unknown): Promise<string> {
    const isBytes = body instanceof Uint8Array;
    const response = await handle(
      new Request(`http://home.test${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": isBytes ? "application/octet-stream" : "application/json",
        },
        ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
    return text;
  }

  return {
    units,
    ground,
    ask,
    call: (method, path, body) => ask(method, `/w/default${path}`, body),
    restart() {
      handle = handleAsAws(ground);
    },
    async close() {
      await home.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
