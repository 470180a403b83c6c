import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { implement } from "../../../src/api/implement.ts";
import type { RawRoute } from "../../../src/api/raw-route.ts";
import { makeClient } from "../../../src/client/client.ts";
import { uploadFiles } from "../../../src/client/files.ts";
import { downloadTo } from "../../../src/client/files-node.ts";
import { routes } from "../../../src/contract/index.ts";
import { FRAME_TOKEN, serveFrame } from "../../helpers/frame.ts";
import { makeTempDir } from "../../helpers/ports.ts";

interface Stored {
  readonly path: string;
  readonly content: string;
  readonly executable?: boolean;
  readonly local_path?: string;
}

const bytesRoute = (content: (path: string) => string): RawRoute => ({
  id: "test.bytes",
  method: "GET",
  path: "/bytes/{path+}",
  base: "root",
  access: { resource: "file", action: "read" },
  handle: (call) => new Response(content(call.params.path ?? "")),
});

async function homeWith(
  files: readonly Stored[],
  more: { is_file?: boolean; links?: { path: string; target: string }[]; folders?: string[] } = {},
) {
  const home = await serveFrame([
    bytesRoute((path) => files.find((file) => file.path === path)?.content ?? ""),
    implement(routes.files.list, async ({ query }) => {
      const from = Number(query.cursor ?? 0);
      const items = files.slice(from, from + 2).map(({ content, ...file }) => ({
        ...file,
        size_bytes: content.length,
        url: `/bytes/${file.path}`,
      }));
      const next = from + 2 < files.length ? { next_cursor: String(from + 2) } : {};
      return { uri: "azureml://resolved", is_file: more.is_file ?? false, items, ...next, ...more };
    }),
  ]);
  return makeClient({ url: home.url, token: FRAME_TOKEN });
}

function folder(): string {
  const dir = makeTempDir();
  onTestFinished(dir.remove);
  return dir.path;
}

describe("downloadTo", () => {
  it("brings every page, with executable bits, links and empty folders", async () => {
    const client = await homeWith(
      [
        { path: "a.txt", content: "A" },
        { path: "bin/run.sh", content: "#!/bin/sh", executable: true },
        { path: "d/e/f.txt", content: "" },
        { path: "é.txt", content: "é" },
        { path: "z.txt", content: "Z" },
      ],
      { links: [{ path: "d/link", target: "../a.txt" }], folders: ["empty/one"] },
    );
    const to = join(folder(), "out");

    const done = await downloadTo(client, "default", "azureml:x:1", to);

    expect(done).toMatchObject({ uri: "azureml://resolved", files: 5, isFile: false });
    expect(readFileSync(join(to, "a.txt"), "utf8")).toBe("A");
    expect(statSync(join(to, "bin/run.sh")).mode & 0o111).not.toBe(0);
    expect(statSync(join(to, "a.txt")).mode & 0o111).toBe(0);
    expect(readFileSync(join(to, "d/e/f.txt"), "utf8")).toBe("");
    expect(readlinkSync(join(to, "d/link"))).toBe("../a.txt");
    expect(readdirSync(join(to, "empty/one"))).toEqual([]);
    expect(readdirSync(to).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("names the file when the URI named one", async () => {
    const client = await homeWith([{ path: "only.bin", content: "1" }], { is_file: true });
    const to = folder();

    expect((await downloadTo(client, "default", "x", to)).path).toBe(join(to, "only.bin"));
  });

  it("copies from this machine's disk where the home says so, and makes the copy writable", async () => {
    const there = folder();
    writeFileSync(join(there, "blob"), "from disk", { mode: 0o400 });
    const client = await homeWith([{ path: "a.txt", content: "over wire", local_path: join(there, "blob") }]);
    const to = folder();

    await downloadTo(client, "default", "x", to);
    expect(readFileSync(join(to, "a.txt"), "utf8")).toBe("from disk");
    expect(statSync(join(to, "a.txt")).mode & 0o200).not.toBe(0);

    const wire = folder();
    await downloadTo(client, "default", "x", wire, { sameHost: false });
    expect(readFileSync(join(wire, "a.txt"), "utf8")).toBe("over wire");
  });

  it("takes the bytes over the wire where the disk's file is not the one listed", async () => {
    const there = folder();
    writeFileSync(join(there, "blob"), "other length");
    const client = await homeWith([
      { path: "a.txt", content: "A", local_path: join(there, "blob") },
      { path: "b.txt", content: "B", local_path: join(there, "absent") },
    ]);
    const to = folder();

    await downloadTo(client, "default", "x", to);

    expect([readFileSync(join(to, "a.txt"), "utf8"), readFileSync(join(to, "b.txt"), "utf8")]).toEqual(["A", "B"]);
  });

  it.each(["../evil.txt", "/evil.txt", "a/../../evil.txt"])(
    "refuses `%s`, which leads out of the folder",
    async (path) => {
      const client = await homeWith([{ path, content: "x" }]);
      const base = folder();
      const to = join(base, "in");
      mkdirSync(to);

      await expect(downloadTo(client, "default", "x", to)).rejects.toMatchObject({ code: "InvalidPath" });

      expect(existsSync(join(base, "evil.txt"))).toBe(false);
    },
  );

  it.each(["../../etc", "/etc"])("refuses a link to `%s`", async (target) => {
    const client = await homeWith([], { links: [{ path: "link", target }] });
    const to = folder();

    await expect(downloadTo(client, "default", "x", to)).rejects.toMatchObject({ code: "InvalidPath" });

    expect(lstatSync(join(to, "link"), { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe("uploadFiles", () => {
  it("puts each file where the home says, in batches", async () => {
    const received = new Map<string, string>();
    const asked: number[] = [];
    const home = await serveFrame([
      implement(routes.files.uploads, async ({ body }) => {
        asked.push(body.files.length);
        return { files: body.files.map(({ path }) => ({ path, url: `/put/${path}`, headers: { "x-of": body.uri } })) };
      }),
      {
        id: "test.put",
        method: "PUT",
        path: "/put/{path+}",
        base: "root",
        access: { resource: "file", action: "create" },
        handle: async (call) => {
          received.set(
            call.params.path ?? "",
            `${call.request.headers.get("x-of")}:${await new Response(call.request.body).text()}`,
          );
          return new Response("{}");
        },
      },
    ]);
    const client = makeClient({ url: home.url, token: FRAME_TOKEN });
    const files = Array.from({ length: 1002 }, (_, i) => ({
      path: `d/${i}.txt`,
      sizeBytes: i === 0 ? 0 : String(i).length,
      open: () => new Blob([String(i)]).stream(),
    }));

    await uploadFiles(client, "default", "runs:/r/d", files);

    expect(asked).toEqual([1000, 2]);
    expect(received.size).toBe(1002);
    expect(received.get("d/0.txt")).toBe("runs:/r/d:");
    expect(received.get("d/1001.txt")).toBe("runs:/r/d:1001");
  });
});
