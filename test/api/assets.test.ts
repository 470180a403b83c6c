import { describe, expect, it } from "vitest";
import type { ImageBook } from "../../src/core/environment-assets/ports.ts";
import { openTestApi } from "../helpers/api.ts";

const at = (path: string) => ({ path: `azureml://datastores/workspaceblobstore/paths/${path}` });
const versionsOf = (reply: { json: { items: { version: string }[] } }) => reply.json.items.map((item) => item.version);

describe("versions", () => {
  it("hands out numbers without gaps to many callers at once", async () => {
    const { ask } = await openTestApi();

    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, i) => ask("POST", "/data/d/versions", { body: at(`f${i}`) })),
    );

    expect(replies.every((reply) => reply.status === 201)).toBe(true);
    const versions = replies.map((reply) => Number(reply.json.version)).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect((await ask("GET", "/data/d/versions/@latest")).json.version).toBe("30");
  });

  it("goes on behind a number given by hand, and never hands out a deleted one again", async () => {
    const { ask } = await openTestApi();

    await ask("PUT", "/data/d/versions/7", { body: at("a") });
    await ask("PUT", "/data/d/versions/1.0.0", { body: at("b") });
    const eight = await ask("POST", "/data/d/versions", { body: at("c") });
    await ask("DELETE", "/data/d/versions/8");
    const nine = await ask("POST", "/data/d/versions", { body: at("d") });

    expect([eight.json.version, nine.json.version]).toEqual(["8", "9"]);
    expect(versionsOf(await ask("GET", "/data/d/versions"))).toEqual(["9", "1.0.0", "7"]);
  });

  it("answers the same content again and refuses other content", async () => {
    const { ask } = await openTestApi();

    const first = await ask("PUT", "/data/d/versions/1", { body: { ...at("a"), tags: { k: "v" } } });
    const same = await ask("PUT", "/data/d/versions/1", { body: at("a") });
    const words = await ask("PUT", "/data/d/versions/1", { body: { ...at("a"), description: "new words" } });
    const other = await ask("PUT", "/data/d/versions/1", { body: at("b") });

    expect([first.status, same.status, words.status, other.status]).toEqual([201, 200, 200, 409]);
    expect(same.headers.get("etag")).toBe(first.headers.get("etag"));
    expect(words.json).toMatchObject({ description: "new words", tags: { k: "v" } });
    expect(other.json.code).toBe("AlreadyExists");
  });

  it("keeps `latest` on the newest version that is not archived", async () => {
    const { ask } = await openTestApi();
    for (const path of ["a", "b", "c"]) await ask("POST", "/data/d/versions", { body: at(path) });
    const latest = async () => (await ask("GET", "/data/d/versions/@latest")).json.version;

    await ask("PATCH", "/data/d/versions/3", { body: { archived: true } });
    const whenArchived = await latest();
    await ask("DELETE", "/data/d/versions/2");
    const whenDeleted = await latest();
    await ask("PATCH", "/data/d/versions/3", { body: { archived: false } });

    expect([whenArchived, whenDeleted, await latest()]).toEqual(["2", "1", "3"]);
    expect(versionsOf(await ask("GET", "/data/d/versions"))).toEqual(["3", "1"]);
  });

  it("hides archived versions and names unless asked", async () => {
    const { ask } = await openTestApi();
    await ask("POST", "/data/d/versions", { body: at("a") });
    await ask("PATCH", "/data/d/versions/1", { body: { archived: true } });

    const counts = await Promise.all(
      ["", "?archived=true", "?archived=all"].map(async (query) => [
        (await ask("GET", `/data${query}`)).json.items.length,
        (await ask("GET", `/data/d/versions${query}`)).json.items.length,
      ]),
    );

    expect(counts).toEqual([
      [0, 0],
      [1, 1],
      [1, 1],
    ]);
  });

  it("pages names and versions without losing or repeating one", async () => {
    const { ask } = await openTestApi();
    const names = Array.from({ length: 7 }, (_, i) => `n${i}`);
    for (const name of names)
      await ask("POST", `/data/${name}/versions`, { body: { ...at("a"), tags: { even: "yes" } } });
    for (let i = 0; i < 6; i++) await ask("POST", "/data/n0/versions", { body: at(`v${i}`) });
    const collect = async (path: string, field: string): Promise<string[]> => {
      const found: string[] = [];
      let cursor = "";
      do {
        const { json } = await ask("GET", `${path}limit=3${cursor}`);
        expect(json.items.length).toBeLessThanOrEqual(3);
        found.push(...json.items.map((item: Record<string, string>) => item[field]));
        cursor = json.next_cursor === undefined ? "" : `&cursor=${encodeURIComponent(json.next_cursor)}`;
      } while (cursor !== "");
      return found;
    };

    expect(await collect("/data?", "name")).toEqual(names);
    expect(await collect("/data/n0/versions?", "version")).toEqual(["7", "6", "5", "4", "3", "2", "1"]);
    expect(await collect("/data?tag=even=yes&", "name")).toEqual(names.slice(1));
  });

  it("refuses a cursor of something else", async () => {
    const { ask } = await openTestApi();
    await ask("POST", "/data/d/versions", { body: at("a") });

    const names = await ask("GET", "/data?cursor=%22x");
    const versions = await ask("GET", "/data/d/versions?cursor=abc");

    expect([names.json.code, versions.json.code]).toEqual(["InvalidCursor", "InvalidCursor"]);
  });
});

describe("updates", () => {
  it("merges tags, removes those that are null, and keeps odd names as data", async () => {
    const { ask } = await openTestApi();
    await ask("POST", "/data/d/versions", { body: { ...at("a"), tags: { a: "1", b: "2" } } });

    const reply = await ask("PATCH", "/data/d/versions/@latest", {
      body: '{"tags": {"a": null, "c": "3", "constructor": "4", "absent": null}}',
    });

    expect(reply.json.tags).toEqual({ b: "2", c: "3", constructor: "4" });
  });

  it("honours If-Match, and moves the ETag with every change", async () => {
    const { ask } = await openTestApi();
    const made = await ask("POST", "/data/d/versions", { body: at("a") });
    const etag = made.headers.get("etag") ?? "";
    const change = (tag: string, description: string) =>
      ask("PATCH", "/data/d/versions/1", { body: { description }, headers: { "if-match": tag } });

    const first = await change(etag, "one");
    const stale = await change(etag, "two");
    const listed = await change(`"x", ${first.headers.get("etag")}`, "three");
    const weak = await change(`W/${listed.headers.get("etag")}`, "four");
    const removed = await ask("DELETE", "/data/d/versions/1", { headers: { "if-match": etag } });
    const onlyNew = await ask("PUT", "/data/d/versions/1", { body: at("a"), headers: { "if-none-match": "*" } });
    const broken = await ask("DELETE", "/data/d/versions/1", { headers: { "if-match": "abc" } });
    const absent = await ask("PUT", "/data/d/versions/9", { body: at("a"), headers: { "if-match": "*" } });

    expect([first.status, stale.status, listed.status, weak.status]).toEqual([200, 412, 200, 412]);
    expect([removed.status, onlyNew.status, absent.status]).toEqual([412, 412, 412]);
    expect([stale.json.code, broken.json.code]).toEqual(["PreconditionFailed", "InvalidArgument"]);
    expect((await ask("GET", "/data/d/versions/1")).json.description).toBe("three");
  });

  it("gives a version that was deleted and made again another ETag", async () => {
    const { ask } = await openTestApi();
    const first = await ask("PUT", "/components/c/versions/1", { body: { type: "command", spec: {} } });
    await ask("DELETE", "/components/c/versions/1");

    const second = await ask("PUT", "/components/c/versions/1", { body: { type: "command", spec: {} } });

    expect(second.headers.get("etag")).not.toBe(first.headers.get("etag"));
  });

  it("points labels at versions, one at a time", async () => {
    const { ask } = await openTestApi();
    for (const path of ["a", "b"]) await ask("POST", "/data/d/versions", { body: at(path) });

    const first = await ask("PUT", "/data/d/labels/prod", { body: { version: "1" } });
    const moved = await ask("PUT", "/data/d/labels/prod", { body: { version: "2" } });
    const gone = await ask("PUT", "/data/d/labels/prod", { body: { version: "3" } });
    const latest = await ask("PUT", "/data/d/labels/latest", { body: { version: "1" } });

    expect([first.json.labels, moved.json.labels]).toEqual([["prod"], ["latest", "prod"]]);
    expect([gone.status, latest.status]).toEqual([404, 409]);
    expect((await ask("GET", "/data/d/versions/@prod")).json.version).toBe("2");
    expect((await ask("DELETE", "/data/d/labels/prod")).status).toBe(200);
    expect((await ask("DELETE", "/data/d/labels/prod")).status).toBe(404);
    expect((await ask("GET", "/data/d/versions/@prod")).status).toBe(404);
  });

  it("records each write as an activity", async () => {
    const { ask } = await openTestApi();
    await ask("POST", "/data/d/versions", { body: at("a") });
    await ask("PATCH", "/data/d/versions/1", { body: { archived: true } });
    await ask("DELETE", "/data/d/versions/1");

    const { json } = await ask("GET", "/activities?resource=data&name=d:1");

    expect(json.items.map((item: { action: string }) => item.action)).toEqual(["delete", "archive", "create"]);
    expect(json.items[0]).toMatchObject({ actor: "user:owner", resource: "data", name: "d:1" });
  });
});

describe("data", () => {
  it("notes size, count and hash of an upload", async () => {
    const { ask, putTree } = await openTestApi();
    const id = await putTree({ "a.csv": "x,y\n", "sub/b.csv": "1,2\n" });

    const whole = await ask("POST", "/data/d/versions", { body: { path: `azureml://trees/${id}` } });
    const part = await ask("POST", "/data/d/versions", {
      body: { path: `azureml://trees/${id}/sub/b.csv`, type: "uri_file" },
    });
    const wrong = await ask("POST", "/data/d/versions", { body: { path: `azureml://trees/${id}`, type: "uri_file" } });
    const table = await ask("POST", "/data/d/versions", { body: { path: `azureml://trees/${id}`, type: "mltable" } });
    const file = await ask("POST", "/data/d/versions", {
      body: { path: `azureml://trees/${id}/sub/b.csv`, type: "uri_folder" },
    });
    const absent = await ask("POST", "/data/d/versions", { body: { path: `azureml://trees/${id}/no` } });

    expect(whole.json).toMatchObject({ type: "uri_folder", size_bytes: 8, file_count: 2, content_hash: id });
    expect(part.json).toMatchObject({ type: "uri_file", size_bytes: 4, file_count: 1 });
    expect([wrong.status, table.status, file.status, absent.status]).toEqual([400, 400, 400, 404]);
    expect(file.json.hint).toContain("uri_file");
  });

  it("pins a reference to the version it names now", async () => {
    const { ask, putTree } = await openTestApi();
    const id = await putTree({ a: "1" });
    await ask("POST", "/data/base/versions", { body: { path: `azureml://trees/${id}` } });

    const reply = await ask("POST", "/data/copy/versions", { body: { path: "azureml:base@latest" } });

    expect(reply.json.path).toBe(`azureml://trees/${id}`);
  });

  it.each([
    ["azureml:nothing:1", 404],
    ["azureml:nothing", 400],
    ["azureml://registries/azureml/data/x/versions/1", 404],
    ["azureml://datastores/nowhere/paths/x", 404],
    ["azureml://datastores/workspaceblobstore/paths/../x", 400],
    ["./local/folder", 400],
    ["file:///no/such/folder", 404],
    ["models:/nothing/1", 404],
    ["azureml://jobs/nothing/outputs/o", 404],
  ])("answers %s with %i", async (path, status) => {
    const { ask } = await openTestApi();

    const reply = await ask("POST", "/data/d/versions", { body: { path } });

    expect(reply.status).toBe(status);
    expect(reply.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("environments", () => {
  it("ships curated ones that nobody can change", async () => {
    const { ask } = await openTestApi();

    const curated = await ask("GET", "/environments/sklearn-1.5/versions/@latest");
    const writes = await Promise.all([
      ask("POST", "/environments/sklearn-1.5/versions", { body: { image: "python:3.12" } }),
      ask("PATCH", "/environments/sklearn-1.5/versions/1", { body: { archived: true } }),
      ask("DELETE", "/environments/sklearn-1.5/versions/1"),
      ask("PUT", "/environments/sklearn-1.5/labels/mine", { body: { version: "1" } }),
    ]);

    expect(curated.json).toMatchObject({ curated: true, version: "1", resolved: { kind: "python" } });
    expect(writes.map((reply) => reply.status)).toEqual([403, 403, 403, 403]);
  });

  it("say of one version how far its image is, where there are images", async () => {
    const asked: string[] = [];
    const stateOf: ImageBook["stateOf"] = async (_, { label }) => {
      asked.push(label);
      return { state: "failed", reason: "the build was stopped" };
    };
    const { ask } = await openTestApi({ images: { stateOf } });

    const shown = await ask("GET", "/environments/sklearn-1.5/versions/1");
    const listed = await ask("GET", "/environments/sklearn-1.5/versions");
    const elsewhere = await (await openTestApi()).ask("GET", "/environments/sklearn-1.5/versions/1");

    expect(shown.json.image).toEqual({ state: "failed", reason: "the build was stopped" });
    expect(asked).toEqual(["azureml:sklearn-1.5:1"]);
    expect(listed.json.items[0]).not.toHaveProperty("image");
    expect(elsewhere.json).not.toHaveProperty("image");
  });

  it("shows the definition as given and what is built from it", async () => {
    const { ask } = await openTestApi();
    const conda_file = { name: "mine", dependencies: ["python=3.11", { pip: ["numpy==1.26.4"] }] };

    const made = await ask("POST", "/environments/mine/versions", { body: { conda_file, tags: { a: "b" } } });

    expect(made.json.definition).toEqual({ conda_file });
    expect(made.json).toMatchObject({ curated: false, tags: { a: "b" } });
    expect(made.json.resolved).toMatchObject({
      kind: "python",
      python: "3.11",
      requirements: ["numpy==1.26.4"],
      label: "azureml:mine:1",
    });
    expect((await ask("POST", "/environments/mine/versions", { body: {} })).status).toBe(400);
  });

  it("reads a build context's Dockerfile and what it installs from", async () => {
    const { ask, putTree } = await openTestApi();
    const id = await putTree({
      Dockerfile: "FROM python:3.11\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
      "requirements.txt": "requests==2.32.3\n",
    });

    const made = await ask("POST", "/environments/built/versions", {
      body: { build: { path: `azureml://trees/${id}` } },
    });

    expect(made.status).toBe(201);
    expect(made.json.resolved.requirements).toContain("requests==2.32.3");
  });
});

describe("an asset that is not there", () => {
  it.each([
    ["@latest", "there is no data asset `nothing` in workspace `default`"],
    ["3", "there is no version `3` of data asset `nothing` in workspace `default`"],
  ])("by %s is told in words", async (version, words) => {
    const { ask } = await openTestApi();

    expect((await ask("GET", `/data/nothing/versions/${version}`)).json).toMatchObject({ status: 404, detail: words });
  });
});

describe("a name that is none", () => {
  it.each(["a%2Fb", "%F0%9F%9A%82", "..%2F.."])("%s is told as it was given", async (name) => {
    const { ask } = await openTestApi();

    const reply = await ask("POST", `/data/${name}/versions`, { body: at("f") });

    expect(reply.status).toBe(400);
    expect(reply.json.detail).toMatch(/^`name`: `/);
    expect(reply.json.detail).toContain(`\`${decodeURIComponent(name)}\` must match`);
  });
});

describe("components", () => {
  it("knows equal content whatever the order of its fields", async () => {
    const { ask } = await openTestApi();

    const first = await ask("PUT", "/components/c/versions/1", {
      body: { type: "command", spec: { a: 1, b: { c: [1, 2], d: "x" } } },
    });
    const same = await ask("PUT", "/components/c/versions/1", {
      body: { spec: { b: { d: "x", c: [1, 2] }, a: 1 }, type: "command" },
    });
    const other = await ask("PUT", "/components/c/versions/1", {
      body: { type: "command", spec: { a: 1, b: { c: [2, 1], d: "x" } } },
    });

    expect([first.status, same.status, other.status]).toEqual([201, 200, 409]);
    expect(same.json.content_hash).toBe(first.json.content_hash);
  });

  it.each([
    ["values nested too deep", `{"type":"command","spec":{"a":${"[".repeat(5000)}${"]".repeat(5000)}}}`],
    ["numbers beyond all bounds", '{"type":"command","spec":{"a":1e999}}'],
    ["half a character", '{"type":"command","spec":{"a":"\\ud800"}}'],
    ["half a character as a key", '{"type":"command","spec":{"\\udc00":1}}'],
    ["unknown fields", '{"type":"command","spec":{},"sepc":{}}'],
    ["no JSON", '{"type":'],
  ])("refuses %s", async (_, body) => {
    const { ask } = await openTestApi();

    const reply = await ask("POST", "/components/c/versions", { body });

    expect([reply.status, reply.json.code]).toEqual([400, "InvalidArgument"]);
  });

  it("refuses what is too large for a record, and other content types", async () => {
    const { ask } = await openTestApi();
    const spec = { text: "x".repeat(500_000) };

    const large = await ask("POST", "/components/c/versions", { body: { type: "command", spec } });
    const plain = await ask("POST", "/components/c/versions", {
      body: "{}",
      headers: { "content-type": "text/plain" },
    });

    expect([large.status, plain.status]).toEqual([413, 415]);
  });

  it("keeps keys that mean something to JavaScript as data", async () => {
    const { ask } = await openTestApi();
    const body = '{"type":"command","spec":{"constructor":1,"toString":2,"hasOwnProperty":3}}';

    const reply = await ask("POST", "/components/c/versions", { body });

    expect(Object.keys(reply.json.spec)).toEqual(["constructor", "toString", "hasOwnProperty"]);
  });
});
