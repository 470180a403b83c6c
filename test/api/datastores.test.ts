import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { datastoreSecret } from "../../src/core/datastores/ports.ts";
import { openTestApi } from "../helpers/api.ts";

const S3 = {
  type: "s3",
  bucket: "bucket",
  credentials: { access_key_id: "AKIA-ID", secret_access_key: "very-secret" },
};

describe("datastores", () => {
  it("never shows a credential again", async () => {
    const { ask } = await openTestApi();

    const made = await ask("PUT", "/datastores/mine", { body: { ...S3, tags: { a: "b" } } });
    const replies = [
      made,
      await ask("GET", "/datastores/mine"),
      await ask("GET", "/datastores"),
      await ask("GET", "/activities"),
    ];

    expect(made.json).toMatchObject({
      type: "s3",
      settings: { bucket: "bucket" },
      has_credentials: true,
      is_default: false,
    });
    for (const { json } of replies) expect(JSON.stringify(json)).not.toMatch(/very-secret|AKIA-ID/);
  });

  it("keeps credentials through a change of words, and drops them with a change of address", async () => {
    const { ask, vault } = await openTestApi();
    await ask("PUT", "/datastores/mine", { body: S3 });

    const words = await ask("PUT", "/datastores/mine", { body: { type: "s3", bucket: "bucket", description: "mine" } });
    const moved = await ask("PUT", "/datastores/mine", {
      body: { type: "s3", bucket: "bucket", endpoint: "http://elsewhere.test" },
    });

    expect([words.json.has_credentials, moved.json.has_credentials]).toEqual([true, false]);
    expect(await vault.get(datastoreSecret("default", "mine"))).toBeUndefined();
  });

  it("answers the same PUT again without a new revision, and honours If-Match", async () => {
    const { ask } = await openTestApi();
    const body = { type: "http", base_url: "https://files.test/" };

    const first = await ask("PUT", "/datastores/web", { body });
    const same = await ask("PUT", "/datastores/web", { body });
    const changed = await ask("PUT", "/datastores/web", {
      body: { ...body, description: "x" },
      headers: { "if-match": first.headers.get("etag") ?? "" },
    });
    const stale = await ask("DELETE", "/datastores/web", { headers: { "if-match": first.headers.get("etag") ?? "" } });

    expect(same.headers.get("etag")).toBe(first.headers.get("etag"));
    expect([changed.status, stale.status]).toEqual([200, 412]);
  });

  it("protects the default one", async () => {
    const { ask } = await openTestApi();

    const deleted = await ask("DELETE", "/datastores/workspaceblobstore");
    const replaced = await ask("PUT", "/datastores/workspaceblobstore", { body: { type: "local", path: "/tmp" } });
    const words = await ask("PUT", "/datastores/workspaceblobstore", {
      body: { type: "workspace", description: "ours" },
    });

    expect([deleted.json.code, replaced.json.code]).toEqual(["InUse", "Conflict"]);
    expect(words.json).toMatchObject({ description: "ours", is_default: true });
  });

  it.each([
    ["a relative folder", { type: "local", path: "data" }],
    ["a password in the address", { type: "http", base_url: "https://me:secret@files.test/" }],
    [
      "a host key that is none",
      { type: "sftp", host: "h", path: "/", username: "u", host_key: "abc", credentials: {} },
    ],
    ["a prefix that climbs", { type: "s3", bucket: "bucket", prefix: "a/../../b" }],
    ["an unknown type", { type: "ftp", host: "h" }],
    ["an unknown field", { type: "s3", bucket: "bucket", buket: "x" }],
  ])("refuses %s", async (_, body) => {
    const { ask } = await openTestApi();

    const reply = await ask("PUT", "/datastores/bad", { body });

    expect(reply.status).toBe(400);
    expect((await ask("GET", "/datastores/bad")).status).toBe(404);
  });

  it("accepts Azure's kinds and says at use why they can't be reached", async () => {
    const { ask } = await openTestApi();
    const settings = { account_name: "a", container_name: "c" };

    const made = await ask("PUT", "/datastores/blob", {
      body: { type: "azure_blob", settings, credentials: { account_key: "very-secret" } },
    });
    const used = await ask("GET", "/files?uri=azureml://datastores/blob/paths/x");

    expect(made.json).toMatchObject({ type: "azure_blob", settings, has_credentials: true });
    expect([used.status, used.json.code]).toEqual([400, "NotSupported"]);
    expect(used.json.detail).toContain("`azure_blob`");
  });

  it("reads and writes a folder, lists it level by level, and never leaves it", async () => {
    const { dir, ask } = await openTestApi();
    const root = join(dir, "data");
    mkdirSync(join(root, "sub"), { recursive: true });
    writeFileSync(join(root, "a.txt"), "alpha");
    writeFileSync(join(root, "sub.txt"), "s");
    writeFileSync(join(dir, "outside"), "secret");
    symlinkSync("../outside", join(root, "leak"));
    symlinkSync(dir, join(root, "up"));
    symlinkSync("a.txt", join(root, "link"));
    symlinkSync("..", join(root, "sub/loop"));
    await ask("PUT", "/datastores/folder", { body: { type: "local", path: root } });
    const at = (path: string) => encodeURIComponent(`azureml://datastores/folder/paths/${path}`);

    const written = await ask("PUT", `/content?uri=${at("sub/new/b.txt")}`, { bytes: "beta" });
    const listing = await ask("GET", `/files?uri=${at("")}`);
    const level = await ask("GET", "/datastores/folder/folder");
    const escapes = await Promise.all([
      ask("GET", `/content?uri=${at("leak")}`),
      ask("GET", `/files?uri=${at("up/home")}`),
      ask("PUT", `/content?uri=${at("up/new/evil")}`, { bytes: "x" }),
      ask("GET", "/datastores/folder/folder?path=up"),
      ask("GET", "/datastores/folder/folder?path=../"),
    ]);

    expect(written.status).toBe(200);
    expect(readFileSync(join(root, "sub/new/b.txt"), "utf8")).toBe("beta");
    expect(listing.json.items.map((item: { path: string }) => item.path)).toEqual([
      "a.txt",
      "link",
      "sub.txt",
      "sub/new/b.txt",
    ]);
    expect(listing.json.local_path).toBe(root);
    expect(level.json.items.map((item: { path: string; is_folder: boolean }) => [item.path, item.is_folder])).toEqual([
      ["a.txt", false],
      ["link", false],
      ["sub.txt", false],
      ["sub", true],
    ]);
    expect(escapes.map((reply) => reply.json.code)).toEqual(Array(5).fill("InvalidPath"));
  });

  it("pages a folder's files", async () => {
    const { dir, ask } = await openTestApi();
    const root = join(dir, "many");
    const names = Array.from({ length: 25 }, (_, i) => (i % 3 === 0 ? `d${i}/f` : `f${i}`));
    for (const name of names) {
      mkdirSync(join(root, name, ".."), { recursive: true });
      writeFileSync(join(root, name), "");
    }
    await ask("PUT", "/datastores/many", { body: { type: "local", path: root } });
    const found: string[] = [];
    let cursor = "";
    do {
      const { json } = await ask("GET", `/files?uri=azureml://datastores/many/paths/&limit=4${cursor}`);
      found.push(...json.items.map((item: { path: string }) => item.path));
      cursor = json.next_cursor === undefined ? "" : `&cursor=${json.next_cursor}`;
    } while (cursor !== "");

    expect(found).toEqual([...names].sort());
  });

  it("says when a folder is not there", async () => {
    const { dir, ask } = await openTestApi();
    await ask("PUT", "/datastores/gone", { body: { type: "local", path: join(dir, "gone") } });

    const read = await ask("GET", "/files?uri=azureml://datastores/gone/paths/x");
    const written = await ask("PUT", "/content?uri=azureml://datastores/gone/paths/x", { bytes: "x" });

    expect([read.json.code, written.json.code]).toEqual(["NotFound", "DatastoreUnreachable"]);
  });

  it("gives further workspace datastores a folder of their own", async () => {
    const { ask } = await openTestApi();
    await ask("PUT", "/datastores/second", { body: { type: "workspace" } });
    await ask("PUT", "/datastores/alias", { body: { type: "workspace", prefix: "shared/" } });

    await ask("PUT", "/content?uri=azureml://datastores/second/paths/x", { bytes: "second" });
    await ask("PUT", "/content?uri=azureml://datastores/alias/paths/x", { bytes: "alias" });
    const names = async (store: string) =>
      (await ask("GET", `/files?uri=azureml://datastores/${store}/paths/`)).json.items.map(
        (item: { path: string }) => item.path,
      );

    expect(await names("second")).toEqual(["x"]);
    expect(await names("workspaceblobstore")).toEqual(["shared/x"]);
  });
});
