import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type TreeEntry, treeText } from "../../src/contract/trees.ts";
import { openTestApi, sha256Of } from "../helpers/api.ts";

const EMPTY = sha256Of("");
const file = (path: string, content = ""): TreeEntry => ({
  kind: "file",
  path,
  sha256: sha256Of(content),
  size_bytes: Buffer.byteLength(content),
});

function packOf(...contents: readonly string[]): Buffer {
  return Buffer.concat(
    contents.flatMap((content) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(content));
      return [Buffer.from(sha256Of(content), "hex"), length, Buffer.from(content)];
    }),
  );
}

describe("blobs", () => {
  it("keeps a blob under its hash, once", async () => {
    const { ask } = await openTestApi();

    const first = await ask("PUT", `/blobs/${sha256Of("hello")}`, { bytes: "hello" });
    const second = await ask("PUT", `/blobs/${sha256Of("hello")}`, { bytes: "hello" });

    expect([first.json, second.json]).toEqual([{ stored: 1 }, { stored: 0 }]);
  });

  it("refuses bytes with another hash and keeps nothing of them", async () => {
    const { ask } = await openTestApi();
    const id = sha256Of("hello");

    const reply = await ask("PUT", `/blobs/${id}`, { bytes: "hullo" });
    const missing = await ask("POST", "/blobs/missing", { body: { hashes: [id, id] } });

    expect([reply.status, reply.json.code]).toEqual([400, "InvalidArgument"]);
    expect(missing.json).toEqual({ missing: [id] });
  });

  it("has a large one put through the API, where no object store takes it", async () => {
    const { ask } = await openTestApi();
    const id = sha256Of("hello");

    const place = await ask("POST", `/blobs/${id}/upload`, { body: { size_bytes: 6e9 } });

    expect(place.json).toEqual({ url: `/api/v1/workspaces/default/blobs/${id}` });
  });

  it("takes many in a pack, and nothing of a broken one", async () => {
    const { ask } = await openTestApi();
    const broken = packOf("three", "four");
    broken[broken.length - 1] = 0;

    const good = await ask("POST", "/blobs/pack", { bytes: packOf("one", "two", "one", "") });
    const bad = await ask("POST", "/blobs/pack", { bytes: broken });
    const short = await ask("POST", "/blobs/pack", { bytes: packOf("five").subarray(0, 38) });
    const missing = await ask("POST", "/blobs/missing", {
      body: { hashes: ["one", "two", "", "three", "five"].map(sha256Of) },
    });

    expect(good.json).toEqual({ stored: 3 });
    expect([bad.status, short.status]).toEqual([400, 400]);
    expect(missing.json).toEqual({ missing: [sha256Of("three"), sha256Of("five")] });
  });
});

describe("trees", () => {
  it("names the blobs that are missing", async () => {
    const { ask } = await openTestApi();
    const entries = [file("a", "gone"), file("b", "gone"), file("c", "also gone")];

    const reply = await ask("PUT", `/trees/${sha256Of(treeText(entries))}`, { body: { entries } });

    expect([reply.status, reply.json.code]).toEqual([409, "Conflict"]);
    expect(reply.json.details.missing).toEqual([sha256Of("gone"), sha256Of("also gone")]);
  });

  it("refuses an id that is not the entries' own, and a size that is not the blob's", async () => {
    const { ask } = await openTestApi();
    await ask("PUT", `/blobs/${EMPTY}`, { bytes: "" });
    const lying: TreeEntry[] = [{ kind: "file", path: "a", sha256: EMPTY, size_bytes: 7 }];

    const foreign = await ask("PUT", `/trees/${EMPTY}`, { body: { entries: [file("a")] } });
    const size = await ask("PUT", `/trees/${sha256Of(treeText(lying))}`, { body: { entries: lying } });

    expect([foreign.status, size.status]).toEqual([400, 400]);
  });

  it.each<[string, TreeEntry[]]>([
    ["a path twice", [file("a"), file("a")]],
    ["a file below a file", [file("a"), file("a/b")]],
    ["a file below a link", [{ kind: "symlink", path: "a", target: "b" }, file("a/b"), file("b")]],
    ["a file in an empty folder", [{ kind: "folder", path: "a" }, file("a/b")]],
    ["a link to an absolute path", [{ kind: "symlink", path: "a", target: "/etc/passwd" }]],
    ["a link that climbs out", [{ kind: "symlink", path: "d/a", target: "../../x" }]],
    [
      "a link that climbs out through another link",
      [
        { kind: "symlink", path: "deep/up", target: ".." },
        { kind: "symlink", path: "x", target: "deep/up/../y" },
      ],
    ],
    ["a path that climbs", [file("../a")]],
    ["an absolute path", [file("/a")]],
    ["a path with a dot segment", [file("a/./b")]],
    ["NUL in a path", [file("a\0b")]],
    ["more than 1024 bytes of path", [file("é".repeat(600))]],
  ])("refuses %s", async (_, entries) => {
    const { ask } = await openTestApi();
    await ask("PUT", `/blobs/${EMPTY}`, { bytes: "" });

    const reply = await ask("PUT", `/trees/${sha256Of(treeText(entries))}`, { body: { entries } });

    expect([reply.status, reply.json.code]).toEqual([400, "InvalidArgument"]);
  });

  it("answers a known tree again, and its entries in byte order", async () => {
    const { ask, putTree } = await openTestApi();
    const id = await putTree({ "b.txt": "1", "\u{1F600}": "2", "\uFFEE": "3", "a/z": "4" });

    const again = await putTree({ "a/z": "4", "\uFFEE": "3", "\u{1F600}": "2", "b.txt": "1" });
    const reply = await ask("GET", `/trees/${id}?entries=true`);

    expect(again).toBe(id);
    expect(reply.json).toMatchObject({ id, uri: `azureml://trees/${id}`, file_count: 4, size_bytes: 4 });
    expect(reply.json.entries.map((entry: TreeEntry) => entry.path)).toEqual(["a/z", "b.txt", "\uFFEE", "\u{1F600}"]);
  });

  it("holds 10,000 files, and lists them in pages", async () => {
    const { ask } = await openTestApi();
    const contents = Array.from({ length: 100 }, (_, i) => `content ${i}`);
    await ask("POST", "/blobs/pack", { bytes: packOf(...contents) });
    const entries = Array.from({ length: 10_000 }, (_, i) => file(`d${i % 7}/f${i}`, contents[i % 100]));
    const id = sha256Of(treeText(entries));

    const made = await ask("PUT", `/trees/${id}`, { body: { entries } });
    const paths: string[] = [];
    let cursor = "";
    do {
      const page = await ask("GET", `/files?uri=azureml://trees/${id}&limit=999${cursor}`);
      paths.push(...page.json.items.map((item: { path: string }) => item.path));
      cursor = page.json.next_cursor === undefined ? "" : `&cursor=${page.json.next_cursor}`;
    } while (cursor !== "");

    expect(made.json).toMatchObject({ file_count: 10_000 });
    expect(paths).toEqual(entries.map((entry) => entry.path).sort());
  });

  it("zips programs, links, empty folders and unicode names", async () => {
    const { dir, ask, putTree } = await openTestApi();
    await ask("PUT", `/blobs/${sha256Of("#!/bin/sh\n")}`, { bytes: "#!/bin/sh\n" });
    const id = await putTree({ "data/ünï.txt": "text" }, [
      { ...file("bin/run", "#!/bin/sh\n"), executable: true } as TreeEntry,
      { kind: "folder", path: "empty" },
      { kind: "symlink", path: "data/link", target: "../bin/run" },
    ]);

    const zip = await ask("GET", `/trees/${id}/zip`);
    const again = await ask("GET", `/trees/${id}/zip`);
    mkdirSync(join(dir, "out"));
    writeFileSync(join(dir, "t.zip"), zip.bytes);
    unzip(join(dir, "t.zip"), join(dir, "out"));

    expect(zip.headers.get("content-type")).toBe("application/zip");
    expect(Buffer.compare(zip.bytes, again.bytes)).toBe(0);
    expect(readFileSync(join(dir, "out/data/ünï.txt"), "utf8")).toBe("text");
    expect(lstatSync(join(dir, "out/empty")).isDirectory()).toBe(true);
    expect(lstatSync(join(dir, "out/bin/run")).mode & 0o111).toBe(0o111);
    expect(readlinkSync(join(dir, "out/data/link"))).toBe("../bin/run");
  });

  it("answers NotFound for a tree that was never made", async () => {
    const { ask } = await openTestApi();

    const replies = await Promise.all([
      ask("GET", `/trees/${EMPTY}`),
      ask("GET", `/trees/${EMPTY}/zip`),
      ask("GET", `/files?uri=azureml://trees/${EMPTY}`),
    ]);

    expect(replies.map((reply) => reply.status)).toEqual([404, 404, 404]);
  });
});

/** Python is on every machine that runs jobs; it keeps modes and links in the external attributes, which its own extract ignores. */
function unzip(archive: string, folder: string): void {
  const script = `
import os, stat, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    for i in z.infolist():
        mode = i.external_attr >> 16
        path = os.path.join(sys.argv[2], i.filename)
        if stat.S_ISLNK(mode):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(z.read(i).decode(), path)
        else:
            z.extract(i, sys.argv[2])
            os.chmod(path, mode & 0o777)
`;
  execFileSync("python3", ["-c", script, archive, folder]);
}
