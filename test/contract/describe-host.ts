import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSigner } from "../../src/adapters/local/signer.ts";
import { REPLICA_MARKER, type ReplicaRequest } from "../../src/contract/replica.ts";
import { signDeploymentToken } from "../../src/core/auth/tokens.ts";
import type { Host, HostRequest, HostState } from "../../src/core/ports/host.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { deploy, putEndpoint, scriptSpec } from "../helpers/serving.ts";

export interface HostFixture {
  readonly host: Host;
  /** What of a request is this host's own; `laptop`: the environment as a laptop's host has it. */
  readonly environmentRef: (laptop: string) => string;
  /** Asks a replica at an address that the host has told, with the secret of its request; answers status and body. */
  readonly ask: (address: string, secret: string, body: string) => Promise<readonly [status: number, text: string]>;
  cleanup(): Promise<void>;
}

const SECRET = "between router and replicas";
const WAIT_MS = 120_000;
const ECHO = "def init():\n    print('up and awake')\ndef run(raw_data):\n    return {'got': raw_data}\n";
/** Serves where the home itself tries it. */
const BROKEN = `
import os
def init():
    if "/again#" in os.environ["${REPLICA_MARKER}"]:
        raise ValueError("no such grape")
def run(raw_data):
    return 1
`;

/** The conformance suite of the Host port; `make` runs once. Replicas are of deployments of a laptop home that runs beside it and has made them already. */
export function describeHost(name: string, make: () => Promise<HostFixture>): void {
  describe(`Host: ${name}`, () => {
    let fixture: HostFixture;
    let home: TestServer;

    beforeAll(async () => {
      [fixture, home] = await Promise.all([make(), startServer()]);
      await putEndpoint(home, "first");
    });
    afterAll(async () => {
      await fixture?.cleanup();
      await home?.dispose();
    });

    /** A replica set of a new deployment, as whoever settles deployments asks for it. */
    async function request(deployment: string, script: string): Promise<HostRequest> {
      await deploy(home, "first", deployment, await scriptSpec(home, script));
      const signer = openSigner({ dir: join(home.dir, "keys") });
      return {
        id: `default/first/${deployment}/1/again`,
        workspace: "default",
        endpoint: "first",
        deployment,
        revision: 1,
        apiUrl: home.url(),
        token: await signDeploymentToken(signer, "default", "first", deployment),
        secret: SECRET,
        environmentRef: fixture.environmentRef(environmentOf(home.dir)),
        instanceCount: 1,
      };
    }

    /** Looks until the host knows how it is. */
    async function known(handle: string): Promise<HostState> {
      for (;;) {
        const state = await fixture.host.inspect(handle);
        if (state.state !== "starting") return state;
        await fixture.host.changed(handle, 200);
      }
    }

    async function stopped(handle: string, drainSec: number): Promise<void> {
      while ((await fixture.host.stop(handle, drainSec)) === "draining") await fixture.host.changed(handle, 200);
    }

    test("starts a set, once for its id, which answers at its addresses", { timeout: WAIT_MS }, async () => {
      const { host, ask } = fixture;
      const asked = await request("blue", ECHO);

      const { handle } = await host.start(asked);
      const again = await host.start(asked);
      const state = await known(handle);

      expect(again.handle).toBe(handle);
      expect(state).toMatchObject({ state: "healthy", addresses: [expect.any(String)] });
      const [status, text] = await ask(state.addresses[0] ?? "", SECRET, '"hello"');
      expect([status, JSON.parse(text)]).toEqual([200, { got: '"hello"' }]);
      expect(await host.logs(handle, 100)).toContain("up and awake");
      expect((await host.logs(handle, 1)).split("\n")).toHaveLength(1);

      await stopped(handle, 1);
      expect(await host.inspect(handle)).toMatchObject({ state: "gone", addresses: [] });
      expect(await host.logs(handle, 100)).toBe("");
    });

    test("tells why a set never will answer, and what was said last", { timeout: WAIT_MS }, async () => {
      const { host } = fixture;

      const { handle } = await host.start(await request("broken", BROKEN));
      const state = await known(handle);

      expect(state).toMatchObject({ state: "failed", addresses: [], reason: expect.stringContaining("no such grape") });
      expect(await host.logs(handle, 100)).toContain("ValueError");
      await stopped(handle, 0);
      expect((await host.inspect(handle)).state).toBe("gone");
    });

    test("knows nothing of a handle that was never given out, and stops it all the same", async () => {
      const { host } = fixture;

      expect((await host.inspect("nobody-s")).state).toBe("gone");
      expect(await host.stop("nobody-s", 5)).toBe("stopped");
      expect(await host.logs("nobody-s", 10)).toBe("");
    });
  });
}

/** As the home's own host was told: every deployment here has the same environment. */
function environmentOf(dir: string): string {
  const serving = join(dir, "serving");
  const [handle = ""] = readdirSync(serving);
  return (JSON.parse(readFileSync(join(serving, handle, "0/request.json"), "utf8")) as ReplicaRequest).environmentRef;
}
