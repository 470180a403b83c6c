import { createHash } from "node:crypto";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import { type TreeEntry, treeText } from "../../src/contract/trees.ts";
import { signUserToken } from "../../src/core/auth/tokens.ts";
import type { Gc } from "../../src/core/gc/gc.ts";
import { composeAssets } from "../../src/home/compose-assets.ts";
import { composeGc } from "../../src/home/compose-gc.ts";
import { composeTracking } from "../../src/home/compose-tracking.ts";
import { makeHandle } from "../../src/home/handle.ts";
import { openStores, type Stores } from "../../src/home/stores.ts";
import { composeFiles } from "../../src/local/compose-files.ts";
import { openHttp } from "../../src/local/http.ts";
import type { Ground } from "../../src/local/part.ts";

export interface GcServer {
  readonly url: string;
  readonly token: string;
  readonly stores: Stores;
  readonly gc: Gc;
  /** Ends what listens; the ground stays open. */
  close(): Promise<void>;
}

/** Tracking, assets and gc over any home's adapters, reached over HTTP. Its rounds do not run: gc goes on when it is asked to. */
export async function serveGc(ground: Ground): Promise<GcServer> {
  const stores = openStores(ground);
  const { files, places, lookups, close } = composeFiles(ground, stores);
  const assets = composeAssets(ground, stores, { home: "laptop", files, places, lookups, digest: makeDigest() });
  const gc = composeGc(ground, stores);
  await assets.start?.();
  const http = await openHttp({
    port: 0,
    handle: makeHandle(ground, stores, [assets, composeTracking(ground, stores, { files }), gc]),
    refuse: (error) => new Response(error.message, { status: 400 }),
    onFault: () => undefined,
  });
  return {
    url: http.url,
    token: await signUserToken(ground.signer, { name: "owner", roles: { "*": "owner" }, id: "test" }),
    stores,
    gc: gc.gc,
    async close() {
      await http.close();
      close();
    },
  };
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what came, whatever it is
  readonly json: any;
}

/** Asks a server; paths are MLflow's calls, `gc…` below the workspace, or whole where they begin with `/`. */
export function makeAsk(at: () => { readonly url: string; readonly token: string }) {
  async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const { url, token } = at();
    const below = path.startsWith("gc") ? `/api/v1/workspaces/default/${path}` : `/api/2.0/mlflow/${path}`;
    const isBytes = typeof body === "string" || body instanceof Uint8Array;
    const response = await fetch(`${url}${path.startsWith("/") ? path : below}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined || isBytes ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: isBytes ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : text };
  }

  async function must(method: string, path: string, body?: unknown): Promise<Answer["json"]> {
    const { status, json } = await ask(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  return {
    ask,
    get: (path: string) => must("GET", path),
    post: (path: string, body: unknown = {}) => must("POST", path, body),
    put: (path: string, body: unknown) => must("PUT", path, body),
    /** Stores files as a tree, as `yard` does: what the home lacks is sent. Answers its id. */
    async putTree(files: Readonly<Record<string, string>>): Promise<string> {
      const { id, entries } = treeOf(files);
      for (let round = 0; round < 20; round++) {
        const { status, json } = await ask("PUT", `/api/v1/workspaces/default/trees/${id}`, { entries });
        if (status === 200) return id;
        // What is being freed at this moment can be had again in the next.
        if (status === 503) continue;
        if (status !== 409) throw new Error(`${status} ${JSON.stringify(json)}`);
        for (const content of Object.values(files)) {
          await must("PUT", `/api/v1/workspaces/default/blobs/${sha256Of(content)}`, content);
        }
      }
      throw new Error(`tree ${id} could not be stored`);
    },
  };
}

export function treeOf(files: Readonly<Record<string, string>>): { id: string; entries: TreeEntry[] } {
  const entries = Object.entries(files).map(
    ([path, content]): TreeEntry => ({
      kind: "file",
      path,
      sha256: sha256Of(content),
      size_bytes: Buffer.byteLength(content),
    }),
  );
  return { id: sha256Of(treeText(entries)), entries };
}

export function sha256Of(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}
