import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { implement } from "../../../src/api/implement.ts";
import { makeClient } from "../../../src/client/client.ts";
import { type TreeSource, treeIdOf, uploadTree } from "../../../src/client/trees.ts";
import { AppError } from "../../../src/contract/errors.ts";
import { routes, type TreeEntry, treeText } from "../../../src/contract/index.ts";
import { FRAME_TOKEN, serveFrame } from "../../helpers/frame.ts";

const sha = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

function sourceOf(
  files: Readonly<Record<string, Uint8Array>>,
  more: readonly TreeEntry[] = [],
): TreeSource & { streamed: string[] } {
  const streamed: string[] = [];
  const bytes = (path: string) => files[path] ?? new Uint8Array();
  return {
    streamed,
    entries: [
      ...Object.entries(files).map(([path, content]) => ({
        kind: "file" as const,
        path,
        sha256: sha(content),
        size_bytes: content.length,
      })),
      ...more,
    ],
    read: async (path) => bytes(path),
    stream: (path) => {
      streamed.push(path);
      return new Blob([bytes(path) as Uint8Array<ArrayBuffer>]).stream();
    },
  };
}

/** A home that keeps blobs and trees as the contract says. */
async function treeHome(options: { readonly forgets?: () => boolean } = {}) {
  const blobs = new Map<string, Uint8Array>();
  const stored = new Map<string, readonly TreeEntry[]>();
  const answer = (id: string, entries: readonly TreeEntry[]) => ({
    id,
    uri: `azureml://trees/${id}`,
    file_count: entries.length,
    size_bytes: 0,
  });
  const home = await serveFrame([
    implement(routes.trees.put, async ({ params, body }) => {
      expect(sha(treeText(body.entries))).toBe(params.id);
      const missing = body.entries.flatMap((entry) =>
        entry.kind === "file" && !blobs.has(entry.sha256) ? [entry.sha256] : [],
      );
      if (missing.length > 0)
        throw new AppError("Conflict", "blobs are missing", { missing: [...new Set(missing)].slice(0, 10_000) });
      stored.set(params.id, body.entries);
      return answer(params.id, body.entries);
    }),
    implement(routes.trees.get, async ({ params }) => {
      const entries = stored.get(params.id);
      if (entries === undefined) throw new AppError("NotFound", "no such tree");
      return answer(params.id, entries);
    }),
    implement(routes.trees.missing, async ({ body }) => ({ missing: body.hashes.filter((hash) => !blobs.has(hash)) })),
    implement(routes.trees.putBlob, async ({ params, body }) => {
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      expect(sha(bytes)).toBe(params.id);
      blobs.set(params.id, bytes);
      return { stored: 1 };
    }),
    implement(routes.trees.upload, async ({ params }) => ({
      url: `/api/v1/workspaces/default/blobs/${params.id}`,
      headers: { "x-from-plan": "1" },
    })),
    implement(routes.trees.pack, async ({ body }) => {
      const bytes = Buffer.from(await new Response(body).arrayBuffer());
      let count = 0;
      for (let at = 0; at < bytes.length; count++) {
        const hash = bytes.toString("hex", at, at + 32);
        const size = bytes.readUInt32BE(at + 32);
        const content = bytes.subarray(at + 36, at + 36 + size);
        expect(sha(content)).toBe(hash);
        blobs.set(hash, content);
        at += 36 + size;
      }
      if (options.forgets?.() === true) blobs.clear();
      return { stored: count };
    }),
  ]);
  return { ...home, blobs, stored, client: makeClient({ url: home.url, token: FRAME_TOKEN }) };
}

const numbered = (count: number, size = 10) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`d/f${i}.txt`, new TextEncoder().encode(`${i}`.padEnd(size))]),
  );

describe("uploadTree", () => {
  it("sends what is missing in packs, and the tree with its links and empty folders", async () => {
    const home = await treeHome();
    const links: TreeEntry[] = [
      { kind: "symlink", path: "link", target: "d/f1.txt" },
      { kind: "folder", path: "empty" },
    ];
    const source = sourceOf(numbered(20), links);

    const { tree, sentFiles, sentBytes } = await uploadTree(home.client, "default", source);

    expect(tree.id).toBe(await treeIdOf(source.entries));
    expect([sentFiles, sentBytes]).toEqual([20, 200]);
    expect(home.stored.get(tree.id)).toHaveLength(22);
    expect(home.requests.filter((line) => line.includes("/blobs/pack"))).toHaveLength(1);
  });

  it("takes one request when the home has it all", async () => {
    const home = await treeHome();
    const source = sourceOf(numbered(20));
    await uploadTree(home.client, "default", source);
    home.requests.length = 0;

    const again = await uploadTree(home.client, "default", source);

    expect(again.sentFiles).toBe(0);
    expect(home.requests).toHaveLength(1);
  });

  it("asks before it sends a large tree, and then sends one file of it", async () => {
    const home = await treeHome();
    const files = numbered(1200);
    await uploadTree(home.client, "default", sourceOf(files));
    home.requests.length = 0;

    const known = await uploadTree(home.client, "default", sourceOf(files));
    expect(known.sentFiles).toBe(0);
    expect(home.requests).toHaveLength(1);

    const changed = await uploadTree(
      home.client,
      "default",
      sourceOf({ ...files, "d/f7.txt": new TextEncoder().encode("new") }),
    );
    expect(changed).toMatchObject({ sentFiles: 1, sentBytes: 3 });
  });

  it("sends a file above the pack limit alone, as a stream", async () => {
    const home = await treeHome();
    const large = new Uint8Array(5 * 1024 * 1024).fill(7);
    const source = sourceOf({ "a.txt": new TextEncoder().encode("a"), "large.bin": large });
    const seen: number[] = [];

    await uploadTree(home.client, "default", source, { onProgress: (progress) => seen.push(progress.sentBytes) });

    expect(source.streamed).toEqual(["large.bin"]);
    expect(home.requests.filter((line) => line.includes("/upload"))).toHaveLength(1);
    expect(home.blobs.get(sha(large))?.length).toBe(large.length);
    expect(Math.max(...seen)).toBe(large.length + 1);
  });

  it("sends equal files once", async () => {
    const home = await treeHome();
    const same = new TextEncoder().encode("same");

    const { sentFiles } = await uploadTree(home.client, "default", sourceOf({ a: same, b: same, c: same }));

    expect(sentFiles).toBe(1);
  });

  it("sends again what the home lost between two requests", async () => {
    let losses = 1;
    const home = await treeHome({ forgets: () => losses-- > 0 });

    const { tree } = await uploadTree(home.client, "default", sourceOf(numbered(3)));

    expect(home.stored.has(tree.id)).toBe(true);
  });

  it("refuses a file whose length is not the one that was hashed", async () => {
    const home = await treeHome();
    const source = sourceOf(numbered(3));
    const changing: TreeSource = {
      entries: source.entries,
      read: async () => new TextEncoder().encode("longer than it was"),
    };

    await expect(uploadTree(home.client, "default", changing)).rejects.toMatchObject({ code: "Conflict" });
  });
});
