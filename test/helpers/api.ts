import { createHash } from "node:crypto";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openHome } from "../../src/adapters/local/home.ts";
import { makeDigest } from "../../src/adapters/node/digest.ts";
import { makeApp } from "../../src/api/app.ts";
import { toResponse } from "../../src/api/reply.ts";
import { type TreeEntry, treeText } from "../../src/contract/trees.ts";
import type { Principal } from "../../src/core/auth/principal.ts";
import { grantsOf } from "../../src/core/auth/rights.ts";
import type { ImageBook } from "../../src/core/environment-assets/ports.ts";
import type { Vault } from "../../src/core/ports/vault.ts";
import { composeAssets } from "../../src/home/compose-assets.ts";
import { openStores, type Stores } from "../../src/home/stores.ts";
import { composeFiles } from "../../src/local/compose-files.ts";
import type { Ground } from "../../src/local/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { makeTempDir } from "./ports.ts";

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what came, whatever it is
  readonly json: any;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
}

export interface Ask {
  readonly body?: unknown;
  readonly bytes?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `owner` (default), `reader`, `run:ID`, `deployment`. */
  readonly as?: string;
}

export interface TestApi {
  readonly dir: string;
  readonly stores: Stores;
  readonly vault: Vault;
  /** `path` is below the workspace `default`, or whole where it begins with `/api`. */
  ask(method: string, path: string, ask?: Ask): Promise<Reply>;
  /** Stores blobs and their tree; answers its id. */
  putTree(files: Readonly<Record<string, string>>, others?: readonly TreeEntry[]): Promise<string>;
}

/** The rooms of assets and files over the laptop's own adapters in a temporary folder, asked in-process. */
export async function openTestApi(
  options: { readonly urlMap?: string; readonly images?: ImageBook } = {},
): Promise<TestApi> {
  const temp = makeTempDir();
  const home = await openHome({ dir: join(temp.path, "home") });
  const ground: Ground = {
    ...home,
    settings: {
      port: 0,
      dataDir: join(temp.path, "home"),
      programs: { runner: "", serving: "" },
      runnerBundle: undefined,
      urlMap: options.urlMap,
    },
    activity: makeActivityWrite(home),
    log: { info: () => undefined, fault: () => undefined },
    address: () => "http://home.test",
  };
  const stores = openStores(ground);
  const { files, places, lookups, close } = composeFiles(ground, stores);
  const { images } = options;
  const part = composeAssets(ground, stores, {
    home: "laptop",
    files,
    places,
    lookups,
    digest: makeDigest(),
    ...(images === undefined ? {} : { images }),
  });
  await part.start?.();
  onTestFinished(async () => {
    close();
    await home.close();
    temp.remove();
  });
  const faults: unknown[] = [];
  const app = makeApp({
    routes: part.routes ?? [],
    authenticate: async (request) => principalOf(request.headers.get("authorization") ?? ""),
    hasWorkspace: async (name) => (await stores.workspaces.get(name)) !== undefined,
    requestId: () => "request",
    onFault: (error) => faults.push(error),
  });

  async function ask(method: string, path: string, { body, bytes, headers, as = "owner" }: Ask = {}): Promise<Reply> {
    const url = new URL(path.startsWith("/api") ? path : `/api/v1/workspaces/default${path}`, "http://home.test");
    const sent = new Headers({ authorization: as, ...headers });
    if (body !== undefined && !sent.has("content-type")) sent.set("content-type", "application/json");
    const content = body === undefined ? bytes : typeof body === "string" ? body : JSON.stringify(body);
    const reply = await app(
      new Request(url, { method, headers: sent, ...(content === undefined ? {} : { body: content as string }) }),
    );
    const response = toResponse(reply);
    const answer = new Uint8Array(await response.arrayBuffer());
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    if (response.status === 500) throw new Error("the request failed with 500", { cause: faults.at(-1) });
    return {
      status: response.status,
      json: isJson ? JSON.parse(new TextDecoder().decode(answer)) : undefined,
      bytes: answer,
      headers: response.headers,
    };
  }

  return {
    dir: temp.path,
    stores,
    vault: home.vault,
    ask,
    async putTree(contents, others = []) {
      const entries: TreeEntry[] = [...others];
      for (const [path, content] of Object.entries(contents)) {
        const sha256 = sha256Of(content);
        await ask("PUT", `/blobs/${sha256}`, { bytes: content });
        entries.push({ kind: "file", path, sha256, size_bytes: Buffer.byteLength(content) });
      }
      const id = sha256Of(treeText(entries));
      const { status, json } = await ask("PUT", `/trees/${id}`, { body: { entries } });
      if (status !== 200) throw new Error(JSON.stringify(json));
      return id;
    },
  };
}

export function sha256Of(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function principalOf(name: string): Principal | undefined {
  if (name === "owner" || name === "reader")
    return { kind: "user", name: `user:${name}`, grants: grantsOf({ "*": name }) };
  if (name.startsWith("run:")) return { kind: "run", name, workspace: "default", runId: name.slice(4) };
  if (name !== "deployment") return undefined;
  return { kind: "deployment", name: "deployment:e/d", workspace: "default", endpoint: "e", deployment: "d" };
}
