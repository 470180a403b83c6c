import { beforeEach, describe, expect, it } from "vitest";
import { openTrackingApi, type TrackingApi } from "../../helpers/tracking.ts";

const A = "/api/2.0/mlflow-artifacts";
let api: TrackingApi;
let experiment: string;
let run: string;
let root: string;

beforeEach(async () => {
  api = await openTrackingApi();
  experiment = await api.experiment();
  run = await api.run(experiment);
  root = `${experiment}/${run}/artifacts`;
});

const put = (path: string, bytes: Uint8Array | string, as = "owner") =>
  api.ask("PUT", `${A}/artifacts/${path}`, { bytes, as });
const fetched = (path: string, headers: Record<string, string> = {}) =>
  api.ask("GET", `${A}/artifacts/${path}`, { headers });

describe("the artifact proxy", () => {
  it("keeps files under any name, lists folders by base name, deletes files and folders", async () => {
    await put(`${root}/a/b.txt`, "hello");
    await put(`${root}/a/b.txt`, "hello again");
    await put(`${root}/x%20y/%C3%BC%25.bin`, "odd");
    await put(`${root}/empty`, "");
    const listed = await api.get(`${A}/artifacts`, { path: root });
    const inside = await api.get("artifacts/list", { run_id: run, path: "a" });

    expect((await fetched(`${root}/a/b.txt`)).text).toBe("hello again");
    expect((await fetched(`${root}/x%20y/%C3%BC%25.bin`)).text).toBe("odd");
    expect(listed.files).toEqual([
      { path: "a", is_dir: true },
      { path: "empty", is_dir: false },
      { path: "x y", is_dir: true },
    ]);
    expect(inside).toEqual({
      root_uri: `mlflow-artifacts:/${root}`,
      files: [{ path: "a/b.txt", is_dir: false, file_size: 11 }],
    });
    await api.ask("DELETE", `${A}/artifacts/${root}/a`);
    expect((await api.ask("DELETE", `${A}/artifacts/${root}/a`)).status).toBe(200);
    expect(await fetched(`${root}/a/b.txt`)).toMatchObject({
      status: 404,
      json: { error_code: "RESOURCE_DOES_NOT_EXIST" },
    });
    expect(await api.get(`${A}/artifacts`, { path: `${root}/a` })).toEqual({});
  });

  it("serves ranges", async () => {
    await put(`${root}/f`, "0123456789");
    const part = await fetched(`${root}/f`, { range: "bytes=2-4" });
    const open = await fetched(`${root}/f`, { range: "bytes=7-" });
    const suffix = await fetched(`${root}/f`, { range: "bytes=-3" });
    const beyond = await fetched(`${root}/f`, { range: "bytes=50-60" });
    const none = await fetched(`${root}/f`, { range: "bytes=-0" });

    expect([part.status, part.text, part.headers.get("content-range"), part.headers.get("content-length")]).toEqual([
      206,
      "234",
      "bytes 2-4/10",
      "3",
    ]);
    expect([open.status, open.text]).toEqual([206, "789"]);
    expect([suffix.status, suffix.text]).toEqual([206, "789"]);
    expect([beyond.status, none.status]).toEqual([416, 416]);
  });

  // CVE-2023-6568, 2024-27132: what is stored is data, never a page.
  it("serves HTML and scripts as downloads, unsniffed and sandboxed", async () => {
    for (const name of ["page.html", "code.js", "image.svg", "UPPER.HTML"]) {
      await put(`${root}/${name}`, "<script>alert(1)</script>");
      const { headers } = await fetched(`${root}/${name}`);

      expect(headers.get("content-disposition")).toMatch(/^attachment;/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("sandbox");
    }
    await put(`${root}/a%22;x=%22.txt`, "quoted");
    expect((await fetched(`${root}/a%22;x=%22.txt`)).headers.get("content-disposition")).toMatch(
      /^attachment; filename="a_;x=_\.txt"; /,
    );
  });
});

// CVE-2023-30172, 2023-1176, 2023-2356, 2024-1560, 2024-1483 and their families.
describe("paths that lead elsewhere", () => {
  const ATTACKS = [
    "../../../etc/passwd",
    "a/../../../etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "..\\..\\x",
    "a\\b",
    "C:\\windows\\win.ini",
    "C:/windows/win.ini",
    "\\\\host\\share",
    "file:///etc/passwd",
    "a/./b",
    "..",
    "a#/../b",
    "%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252fetc",
    "..%2f..%2fetc",
    "a/%2e%2e%5cb",
    "x\u0000y",
    "%00",
  ];

  it.each(ATTACKS)("are refused in queries: %j", async (path) => {
    const asked = [
      api.ask("GET", "artifacts/list", { query: { run_id: run, path } }),
      api.ask("GET", `${A}/artifacts`, { query: { path } }),
      api.ask("GET", "/get-artifact", { query: { run_id: run, path } }),
      api.ask("POST", `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run}&path=${encodeURIComponent(path)}`, {
        bytes: "x",
      }),
    ];

    for (const { status, json } of await Promise.all(asked)) {
      expect({ status, json }).toMatchObject({
        status: 400,
        json: { error_code: "INVALID_PARAMETER_VALUE", message: "Invalid path" },
      });
    }
  });

  it("are refused before anything is looked up, behind doubled slashes too", async () => {
    const query = { name: "none", version: "1", path: "../path" };

    for (const path of ["/model-versions/get-artifact", "/w/default//model-versions/get-artifact"]) {
      expect(await api.ask("GET", path, { query })).toMatchObject({ status: 400, json: { message: "Invalid path" } });
    }
  });

  it.each(ATTACKS)("are refused in addresses: %j", async (path) => {
    await put(`${root}/victim`, "safe");
    const address = encodeURIComponent(path).replaceAll(".", "%2E");
    for (const method of ["GET", "PUT", "DELETE"] as const) {
      const { status } = await api.ask(method, `${A}/artifacts/${address}`, method === "PUT" ? { bytes: "x" } : {});
      // A whole segment of two dots is taken away by URL parsing already.
      expect(path === ".." ? [404, 405] : [400]).toContain(status);
    }
    expect((await fetched(`${root}/victim`)).text).toBe("safe");
  });

  it("never open a place the server does not keep", async () => {
    const { experiment_id } = await api.post("experiments/create", { name: "far", artifact_location: "file:///etc" });
    const far = await api.run(experiment_id);

    expect((await api.get("artifacts/list", { run_id: far })).files).toBeUndefined();
    expect((await api.ask("GET", "/get-artifact", { query: { run_id: far, path: "passwd" } })).status).toBe(501);
  });
});

describe("uploads in parts", () => {
  const create = (as = "owner", path = "big.bin") =>
    api.ask("POST", `${A}/mpu/create/${root}`, { body: { path, num_parts: 2 }, as });

  it("are joined in order at the place they were begun for", async () => {
    const { upload_id, credentials } = (await create()).json;
    const parts = [];
    for (const [i, { url, part_number }] of credentials.entries()) {
      const { pathname, search } = new URL(url);
      const { headers } = await api.ask("PUT", pathname + search, { bytes: `part ${i};`, as: "nobody" });
      parts.unshift({ part_number, etag: headers.get("etag"), url });
    }
    await api.post(`${A}/mpu/complete/${root}`, { path: "big.bin", upload_id, parts });

    expect((await fetched(`${root}/big.bin`)).text).toBe("part 0;part 1;");
  });

  // CVE-2026-2651: an upload is bound to its path and to who began it.
  it("can't be taken to another path, by another caller, or with forged parts", async () => {
    const { upload_id, credentials } = (await create()).json;
    const { pathname, search } = new URL(credentials[0].url);
    const { headers } = await api.ask("PUT", pathname + search, { bytes: "x", as: "nobody" });
    const parts = [{ part_number: 1, etag: headers.get("etag") }];
    const attempts = [
      api.ask("POST", `${A}/mpu/complete/${root}`, { body: { path: "other.bin", upload_id, parts } }),
      api.ask("POST", `${A}/mpu/complete/${root}`, { body: { path: "big.bin", upload_id, parts }, as: `run:${run}` }),
      api.ask("POST", `${A}/mpu/complete/${root}`, { body: { path: "big.bin", upload_id: "x.y.z", parts } }),
      api.ask("POST", `${A}/mpu/complete/${root}`, {
        body: { path: "big.bin", upload_id, parts: [{ part_number: 1, etag: "wrong" }] },
      }),
      api.ask("POST", `${A}/mpu/complete/${root}`, { body: { path: "big.bin", upload_id, parts: [] } }),
    ];

    for (const { status } of await Promise.all(attempts)) expect(status).toBe(400);
    expect((await api.ask("PUT", `${A}/mpu/part?token=${"x".repeat(40)}`, { bytes: "x", as: "nobody" })).status).toBe(
      401,
    );
    expect((await fetched(`${root}/big.bin`)).status).toBe(404);
  });

  it("that are aborted leave nothing", async () => {
    const { upload_id, credentials } = (await create()).json;
    const { pathname, search } = new URL(credentials[0].url);
    await api.ask("PUT", pathname + search, { bytes: "x", as: "nobody" });
    await api.post(`${A}/mpu/abort/${root}`, { path: "big.bin", upload_id });

    expect((await api.ground.objects.list({ prefix: "ws/default/uploads/" })).objects).toEqual([]);
  });

  it("are offered instead of signed places where there are none", async () => {
    await put(`${root}/f`, "x");

    expect(await api.ask("GET", `${A}/presigned/${root}/f`)).toMatchObject({
      status: 501,
      json: { error_code: "NOT_IMPLEMENTED" },
    });
    expect((await api.ask("POST", "artifacts/presigned-upload-url", { body: { run_id: run, path: "f" } })).status).toBe(
      501,
    );
  });
});
