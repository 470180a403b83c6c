import { describe, expect, it } from "vitest";
import { openTestApi } from "../helpers/api.ts";

const WORKSPACES = "/api/v1/workspaces";
const actionsOf = (reply: { json: { items: { action: string }[] } }) => reply.json.items.map((item) => item.action);

describe("workspaces", () => {
  it("makes one with all that belongs to it", async () => {
    const { ask } = await openTestApi();

    const made = await ask("PUT", `${WORKSPACES}/team`, { body: { display_name: "Team", tags: { a: "b" } } });
    const datastores = await ask("GET", `${WORKSPACES}/team/datastores`);
    const environments = await ask("GET", `${WORKSPACES}/team/environments`);

    expect(made.json).toMatchObject({
      name: "team",
      display_name: "Team",
      mlflow_tracking_uri: "http://home.test/w/team",
      default_datastore: "workspaceblobstore",
      created_by: "user:owner",
    });
    expect(datastores.json.items).toMatchObject([{ name: "workspaceblobstore", is_default: true }]);
    expect(environments.json.items.map((item: { name: string }) => item.name)).toContain("sklearn-1.5");
    expect((await ask("GET", WORKSPACES)).json.items.map((item: { name: string }) => item.name)).toEqual([
      "default",
      "team",
    ]);
  });

  it("keeps workspaces apart", async () => {
    const { ask, putTree } = await openTestApi();
    await ask("PUT", `${WORKSPACES}/team`, { body: {} });
    const id = await putTree({ a: "1" });
    await ask("POST", "/data/d/versions", { body: { path: `azureml://trees/${id}` } });

    const replies = await Promise.all(
      ["data/d/versions/1", `trees/${id}`, `files?uri=azureml:d:1`].map((path) =>
        ask("GET", `${WORKSPACES}/team/${path}`),
      ),
    );

    expect(replies.map((reply) => reply.status)).toEqual([404, 404, 404]);
  });

  it("answers the same PUT again, changes words, and honours If-Match", async () => {
    const { ask } = await openTestApi();

    const first = await ask("PUT", `${WORKSPACES}/team`, { body: {} });
    const same = await ask("PUT", `${WORKSPACES}/team`, { body: {} });
    const ifMatch = { "if-match": first.headers.get("etag") ?? "" };
    const changed = await ask("PUT", `${WORKSPACES}/team`, { body: { description: "x" }, headers: ifMatch });
    const stale = await ask("PUT", `${WORKSPACES}/team`, { body: { description: "y" }, headers: ifMatch });

    expect(same.headers.get("etag")).toBe(first.headers.get("etag"));
    expect([changed.status, stale.status]).toEqual([200, 412]);
  });

  it("refuses storage that a laptop has not, and a key that encrypts nothing", async () => {
    const { ask } = await openTestApi();
    const put = (storage: object) => ask("PUT", `${WORKSPACES}/team`, { body: { storage } });

    const replies = [
      await put({ bucket: "own" }),
      await put({ key: "own" }),
      await put({ bucket: "arn:aws:s3:::UPPER" }),
    ];

    expect(replies.map(({ status, json }) => [status, json.code])).toEqual([
      [400, "NotSupported"],
      [400, "InvalidArgument"],
      [400, "InvalidArgument"],
    ]);
    expect((await ask("GET", `${WORKSPACES}/team`)).status).toBe(404);
    expect((await put({})).status).toBe(200);
  });

  it("deletes an empty one with its files, and nothing else", async () => {
    const { ask } = await openTestApi();
    const uri = "content?uri=azureml://datastores/workspaceblobstore/paths/x";
    await ask("PUT", `${WORKSPACES}/team`, { body: {} });
    await ask("PUT", `${WORKSPACES}/team/${uri}`, { bytes: "left" });
    await ask("PUT", `${WORKSPACES}/team/components/c/versions/1`, { body: { type: "command", spec: {} } });

    const full = await ask("DELETE", `${WORKSPACES}/team`);
    await ask("DELETE", `${WORKSPACES}/team/components/c/versions/1`);
    const empty = await ask("DELETE", `${WORKSPACES}/team`);
    const gone = await ask("GET", `${WORKSPACES}/team/data`);
    await ask("PUT", `${WORKSPACES}/team`, { body: {} });

    expect([full.json.code, full.json.detail]).toEqual(["InUse", "workspace `team` still has components"]);
    expect([empty.status, gone.status]).toEqual([200, 404]);
    expect((await ask("GET", `${WORKSPACES}/team/${uri}`)).status).toBe(404);
    expect((await ask("DELETE", `${WORKSPACES}/default`)).json.code).toBe("InUse");
    expect((await ask("DELETE", `${WORKSPACES}/never`)).status).toBe(404);
  });

  it("is made whole by many callers at once, and again after a deletion that was cut short", async () => {
    const { ask, stores } = await openTestApi();
    const make = () => Promise.all(Array.from({ length: 8 }, () => ask("PUT", `${WORKSPACES}/team`, { body: {} })));
    const inside = async () => [
      (await ask("GET", `${WORKSPACES}/team/datastores`)).json.items.length,
      (await ask("GET", `${WORKSPACES}/team/environments/python-3/versions/1`)).status,
    ];

    const first = await make();
    const whole = await inside();
    await ask("PUT", `${WORKSPACES}/team/content?uri=azureml://datastores/workspaceblobstore/paths/x`, {
      bytes: "left",
    });
    const record = await stores.workspaces.get("team");
    if (record !== undefined) await stores.workspaces.delete(record, "user:owner");
    const second = await ask("PUT", `${WORKSPACES}/team`, { body: {} });

    expect([...first, second].map((reply) => reply.status)).toEqual(Array(9).fill(200));
    expect([whole, await inside()]).toEqual(Array(2).fill([1, 200]));
    expect(
      (await ask("GET", `${WORKSPACES}/team/files?uri=azureml://datastores/workspaceblobstore/paths/`)).status,
    ).toBe(404);
  });

  it("answers NotFound inside a workspace that is not there", async () => {
    const { ask } = await openTestApi();

    const replies = await Promise.all(
      ["data", "datastores", "activities", "environments/x/versions"].map((path) =>
        ask("GET", `${WORKSPACES}/nowhere/${path}`),
      ),
    );
    const write = await ask("PUT", `${WORKSPACES}/nowhere/components/c/versions/1`, {
      body: { type: "command", spec: {} },
    });

    expect([...replies, write].map((reply) => reply.status)).toEqual([404, 404, 404, 404, 404]);
  });

  it.each(["a/b", "..", "-a", "", "ü", "a b", "x".repeat(256), "%00"])("refuses the name %j", async (name) => {
    const { ask } = await openTestApi();

    const reply = await ask("PUT", `${WORKSPACES}/${name === "%00" ? name : encodeURIComponent(name)}`, { body: {} });

    expect([400, 404, 405]).toContain(reply.status);
  });
});

describe("activities", () => {
  it("lists what was done, newest first, by resource, name, actor and action, in pages", async () => {
    const { ask } = await openTestApi();
    for (const name of ["a", "b", "c"])
      await ask("PUT", `/components/${name}/versions/1`, { body: { type: "command", spec: {} } });
    await ask("PATCH", "/components/b/versions/1", { body: { archived: true } });

    const mine = await ask("GET", "/activities?actor=user:owner");
    const named = await ask("GET", "/activities?resource=component&name=b:1");
    const action = await ask("GET", "/activities?action=archive");
    const seen: string[] = [];
    let cursor = "";
    do {
      const { json } = await ask("GET", `/activities?limit=4${cursor}`);
      seen.push(...json.items.map((item: { id: string }) => item.id));
      cursor = json.next_cursor === undefined ? "" : `&cursor=${encodeURIComponent(json.next_cursor)}`;
    } while (cursor !== "");

    expect(actionsOf(mine)).toEqual(["archive", "create", "create", "create"]);
    expect(actionsOf(named)).toEqual(["archive", "create"]);
    expect(actionsOf(action)).toEqual(["archive"]);
    expect(seen.length).toBe((await ask("GET", "/activities?limit=1000")).json.items.length);
    expect(new Set(seen).size).toBe(seen.length);
    expect((await ask("GET", "/activities?cursor=zzz")).json.code).toBe("InvalidCursor");
  });
});
