import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openTestApi, type TestApi } from "../helpers/api.ts";
import { makeTempDir } from "../helpers/ports.ts";

const RUN = "a".repeat(32);
const CHILD = "b".repeat(32);
const OTHER = "c".repeat(32);
const STORE = "azureml://datastores/workspaceblobstore/paths";

const files = (uri: string, more = "") => `/files?uri=${encodeURIComponent(uri)}${more}`;
const content = (uri: string) => `/content?uri=${encodeURIComponent(uri)}`;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function makeRun(api: TestApi, runId: string, parentRunId?: string): Promise<void> {
  await api.stores.runs.create(
    {
      workspace: "default",
      runId,
      experimentId: "0",
      name: "run",
      userId: "owner",
      status: "RUNNING",
      tags: {},
      source: "client",
      createdMs: 1,
      ...(parentRunId === undefined ? {} : { parentRunId }),
    },
    "user:owner",
  );
}

describe("URIs", () => {
  it("writes to the default datastore and reads it back by every form of its address", async () => {
    const { ask } = await openTestApi();
    await ask("PUT", content(`${STORE}/in/a.txt`), { bytes: "alpha" });
    await ask("PUT", content(`${STORE}/in/sub/b.txt`), { bytes: "beta" });
    await ask("POST", "/data/d/versions", { body: { path: `${STORE}/in/` } });
    const long = "azureml://subscriptions/0-1/resourcegroups/g/workspaces/w/datastores/workspaceblobstore/paths/in/";

    const listings = await Promise.all(
      [`${STORE}/in`, `${STORE}//in/./`, long, "azureml:d:1", "azureml:d@latest", "azureml://data/d/versions/1"].map(
        async (uri) => (await ask("GET", files(uri))).json,
      ),
    );

    for (const listing of listings) {
      expect(listing).toMatchObject({ uri: `${STORE}/in`, is_file: false });
      expect(listing.items.map((item: { path: string }) => item.path)).toEqual(["a.txt", "sub/b.txt"]);
    }
    const [first] = listings[0].items;
    expect(text((await ask("GET", first.url)).bytes)).toBe("alpha");
    expect(readFileSync(first.local_path, "utf8")).toBe("alpha");
  });

  it("reads one file, and parts of it", async () => {
    const { ask } = await openTestApi();
    const uri = `${STORE}/f.bin`;
    await ask("PUT", content(uri), { bytes: "0123456789" });
    const part = async (range: string) => {
      const { status, bytes, headers } = await ask("GET", content(uri), { headers: { range } });
      return [status, status === 416 ? "" : text(bytes), headers.get("content-range")];
    };

    expect((await ask("GET", files(uri))).json).toMatchObject({
      is_file: true,
      items: [{ path: "f.bin", size_bytes: 10 }],
    });
    expect(await part("bytes=2-4")).toEqual([206, "234", "bytes 2-4/10"]);
    expect(await part("bytes=7-")).toEqual([206, "789", "bytes 7-9/10"]);
    expect(await part("bytes=-3")).toEqual([206, "789", "bytes 7-9/10"]);
    expect(await part("bytes=8-100")).toEqual([206, "89", "bytes 8-9/10"]);
    expect(await part("bytes=10-")).toEqual([416, "", null]);
    expect(await part("bytes=0-1,3-4")).toEqual([200, "0123456789", null]);
    expect(await part("lines=1-2")).toEqual([200, "0123456789", null]);
  });

  it("keeps artifacts of runs and follows jobs' and models' addresses to them", async () => {
    const api = await openTestApi();
    await makeRun(api, RUN);
    const artifact = `mlflow-artifacts:/0/${RUN}/artifacts/model/MLmodel`;

    const empty = await api.ask("GET", files(`runs:/${RUN}`));
    await api.ask("PUT", content(`runs:/${RUN}/model/MLmodel`), { bytes: "flavors" });
    const replies = await Promise.all(
      [
        artifact,
        `runs:/${RUN}/model/MLmodel`,
        `azureml://jobs/${RUN}/outputs/artifacts/paths/model/MLmodel`,
        `mlflow-artifacts://host/0/${RUN}/artifacts/model/MLmodel`,
      ].map((uri) => api.ask("GET", content(uri))),
    );
    const output = await api.ask("GET", content(`azureml://jobs/${RUN}/outputs/nothing/paths/x`));

    expect(empty.json).toMatchObject({ uri: `mlflow-artifacts:/0/${RUN}/artifacts`, items: [] });
    expect(replies.map((reply) => text(reply.bytes))).toEqual(Array(4).fill("flavors"));
    expect([output.status, output.json.hint]).toEqual([404, "its outputs: `artifacts`"]);
  });

  it("shows a tree's links, and what links out of the listed folder lead to", async () => {
    const { ask, putTree } = await openTestApi();
    const id = await putTree({ "data/a.txt": "alpha", "data/sub/b.txt": "beta", top: "t" }, [
      { kind: "symlink", path: "data/in", target: "sub/b.txt" },
      { kind: "symlink", path: "data/out", target: "../top" },
      { kind: "symlink", path: "folder", target: "data/sub" },
      { kind: "folder", path: "data/empty" },
    ]);

    const { json } = await ask("GET", files(`azureml://trees/${id}/data`));
    const through = await ask("GET", content(`azureml://trees/${id}/folder/b.txt`));

    expect(json.items.map((item: { path: string }) => item.path)).toEqual(["a.txt", "out", "sub/b.txt"]);
    expect(json).toMatchObject({ links: [{ path: "in", target: "sub/b.txt" }], folders: ["empty"] });
    expect(text((await ask("GET", json.items[1].url)).bytes)).toBe("t");
    expect(text(through.bytes)).toBe("beta");
  });

  it.each([
    `${STORE}/../../../keys/signing`,
    `${STORE}/a/../../b`,
    `${STORE}/a\0b`,
    `${STORE}/a\\b`,
    `mlflow-artifacts:/../datastore/x`,
    `azureml://trees/${"0".repeat(64)}/../x`,
  ])("refuses the path of %j", async (uri) => {
    const { ask } = await openTestApi();

    const [read, listed, written] = await Promise.all([
      ask("GET", content(uri)),
      ask("GET", files(uri)),
      ask("PUT", content(uri), { bytes: "x" }),
    ]);

    expect([read.json.code, listed.json.code, written.json.code]).toEqual(Array(3).fill("InvalidPath"));
  });

  it.each([
    ["azureml:x", 400],
    ["azureml://datastores/", 400],
    ["azureml://nothing/x", 400],
    ["just text", 400],
    ["runs:/", 400],
    [`runs:/${OTHER}/x`, 404],
    ["models:/m-0123456789abcdef0123456789abcdef", 404],
    [`${STORE}/nothing`, 404],
    ["http://169.254.169.254/latest/meta-data/", 400],
    ["http://[fe80::1]/", 400],
    ["http://[::ffff:169.254.169.254]/", 400],
    ["adl://account.azuredatalakestore.net/x", 400],
    ["https://", 400],
  ])("answers a listing of %s with %i", async (uri, status) => {
    const { ask } = await openTestApi();

    const reply = await ask("GET", files(uri));

    expect([reply.status, reply.json.status]).toEqual([status, status]);
  });

  it("never enters the home's own folder through a file address", async () => {
    const { dir, ask } = await openTestApi();
    writeFileSync(join(dir, "open.txt"), "open");

    const open = await ask("GET", content(pathToFileURL(join(dir, "open.txt")).href));
    const own = await ask("GET", files(pathToFileURL(join(dir, "home/keys")).href));

    expect(text(open.bytes)).toBe("open");
    expect(own.json.code).toBe("InvalidPath");
  });
});

describe("the URL map", () => {
  it("answers addresses from disk, and a datastore's only where nothing is stored", async () => {
    const temp = makeTempDir();
    onTestFinished(() => temp.remove());
    mkdirSync(join(temp.path, "remote/datasets"), { recursive: true });
    mkdirSync(join(temp.path, "remote/store/data"), { recursive: true });
    writeFileSync(join(temp.path, "remote/datasets/iris.csv"), "iris");
    writeFileSync(join(temp.path, "remote/store/data/titanic.csv"), "mapped");
    symlinkSync("/etc/hostname", join(temp.path, "remote/store/data/leak"));
    const map = join(temp.path, "map.json");
    writeFileSync(
      map,
      JSON.stringify({
        "https://blobs.test/datasets/": "remote/datasets/",
        "wasbs://datasets@account.blob.core.windows.net/": "remote/datasets",
        "https://one.test/file.csv": "remote/datasets/iris.csv",
        [`${STORE}/`]: "remote/store/",
      }),
    );
    const { ask } = await openTestApi({ urlMap: map });
    const read = async (uri: string) => text((await ask("GET", content(uri))).bytes);

    expect(await read("https://blobs.test/datasets/iris.csv?sig=secret")).toBe("iris");
    expect(await read("wasbs://datasets@account.blob.core.windows.net/iris.csv")).toBe("iris");
    expect(await read("https://one.test/file.csv")).toBe("iris");
    expect((await ask("GET", files("https://blobs.test/datasets/"))).json).toMatchObject({
      items: [{ path: "iris.csv" }],
    });
    const listing = (await ask("GET", files(`${STORE}/data/`))).json;
    expect(listing.items.map((item: { path: string }) => item.path)).toEqual(["titanic.csv"]);
    expect(text((await ask("GET", listing.items[0].url)).bytes)).toBe("mapped");
    await ask("PUT", content(`${STORE}/data/titanic.csv`), { bytes: "stored" });
    expect(await read(`${STORE}/data/titanic.csv`)).toBe("stored");
    expect((await ask("GET", content("https://blobs.test/datasets/../../../etc/passwd"))).status).toBeGreaterThan(399);
  });
});

describe("web addresses", () => {
  it("lists one file, follows redirects, honours ranges, and does not write", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/moved") return response.writeHead(302, { location: "/plain.txt" }).end();
      if (request.url === "/loop") return response.writeHead(302, { location: "/loop" }).end();
      if (request.url === "/chunked") return response.write("12345", () => response.end("678"));
      if (request.url === "/broken") return response.writeHead(500).end("no");
      if (request.url === "/metadata") return response.writeHead(302, { location: "http://169.254.169.254/" }).end();
      if (request.url === "/plain.txt") return response.writeHead(200, { "content-length": "10" }).end("0123456789");
      return response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { ask } = await openTestApi();
    const code = async (path: string) => (await ask("GET", files(`${base}${path}`))).json.code;

    expect((await ask("GET", files(`${base}/moved`))).json).toMatchObject({
      is_file: true,
      items: [{ size_bytes: 10 }],
    });
    expect((await ask("GET", files(`${base}/chunked`))).json).toMatchObject({
      items: [{ path: "chunked", size_bytes: 8 }],
    });
    const part = await ask("GET", content(`${base}/plain.txt`), { headers: { range: "bytes=2-4" } });
    expect([part.status, text(part.bytes)]).toEqual([206, "234"]);
    expect(await code("/nothing")).toBe("NotFound");
    expect([await code("/loop"), await code("/broken")]).toEqual(["DatastoreUnreachable", "DatastoreUnreachable"]);
    expect(await code("/metadata")).toBe("InvalidArgument");
    expect((await ask("PUT", content(`${base}/plain.txt`), { bytes: "x" })).json.code).toBe("NotSupported");
  });
});

describe("who may", () => {
  it("lets a run write its own artifacts and its descendants', and nothing else", async () => {
    const api = await openTestApi();
    await makeRun(api, RUN);
    await makeRun(api, CHILD, RUN);
    await makeRun(api, OTHER);
    const write = async (as: string, uri: string) => (await api.ask("PUT", content(uri), { bytes: "x", as })).status;

    expect(await write(`run:${RUN}`, `runs:/${RUN}/a`)).toBe(200);
    expect(await write(`run:${RUN}`, `runs:/${CHILD}/a`)).toBe(200);
    expect(await write(`run:${CHILD}`, `runs:/${RUN}/b`)).toBe(403);
    expect(await write(`run:${RUN}`, `runs:/${OTHER}/a`)).toBe(403);
    expect(await write(`run:${RUN}`, `${STORE}/anything`)).toBe(403);
    expect(await write("deployment", `${STORE}/anything`)).toBe(403);
    expect(await write("reader", `${STORE}/anything`)).toBe(403);
    expect(await write("nobody", `${STORE}/anything`)).toBe(401);
  });

  it("plans uploads only where the caller may write", async () => {
    const api = await openTestApi();
    await makeRun(api, RUN);
    const plan = (uri: string, path: string, as: string) =>
      api.ask("POST", "/uploads", { body: { uri, files: [{ path, size_bytes: 3 }] }, as });

    const own = await plan(`azureml://jobs/${RUN}/outputs/artifacts/paths/`, "outputs/m.pkl", `run:${RUN}`);
    const put = await api.ask("PUT", own.json.files[0].url, { bytes: "abc", as: `run:${RUN}` });
    const foreign = await plan(`${STORE}/x`, "m.pkl", `run:${RUN}`);
    const climbing = await plan(`runs:/${RUN}`, "../../x", `run:${RUN}`);

    expect([own.status, put.status, foreign.status, climbing.status]).toEqual([200, 200, 403, 400]);
    expect(text((await api.ask("GET", content(`runs:/${RUN}/outputs/m.pkl`))).bytes)).toBe("abc");
  });

  it("keeps this machine's files from runs that were not given them", async () => {
    const api = await openTestApi();
    await makeRun(api, RUN);
    writeFileSync(join(api.dir, "secret"), "secret");
    const uri = pathToFileURL(join(api.dir, "secret")).href;

    const replies = await Promise.all(
      ["owner", `run:${RUN}`, "deployment"].map((as) => api.ask("GET", content(uri), { as })),
    );

    expect(replies.map((reply) => reply.status)).toEqual([200, 403, 403]);
  });
});
