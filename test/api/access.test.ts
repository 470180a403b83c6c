import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toResponse } from "../../src/api/reply.ts";
import { createToken } from "../../src/core/access/tokens.ts";
import { signUserToken } from "../../src/core/auth/tokens.ts";
import { makeReadToken } from "../../src/home/authenticate.ts";
import { openStores } from "../../src/home/stores.ts";
import { compose } from "../../src/local/compose.ts";
import { openTestGround } from "../helpers/test-ground.ts";

/** A home whose clock can be moved. */
async function openAccessHome() {
  const { ground: plain, dataDir, pass, close } = await openTestGround();
  const settings = {
    port: 0,
    dataDir,
    programs: { runner: "", serving: "" },
    runnerBundle: undefined,
    urlMap: undefined,
  };
  const ground = { ...plain, settings };
  const app = compose(ground);
  await app.start();
  const stores = openStores(ground);
  const root = await signUserToken(ground.signer, { name: "owner", roles: { "*": "owner" }, id: "root" });

  async function ask(method: string, path: string, body?: unknown, token = root) {
    const response = toResponse(
      await app.handle(
        new Request(`http://127.0.0.1:1/api/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      ),
    );
    // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
    return { status: response.status, json: (await response.json()) as any };
  }
  return {
    ask,
    /** A token that a signed-in person makes for themselves. */
    async tokenOf(person: string, roles: Record<string, string>) {
      const caller = { kind: "user", name: `user:${person}`, grants: await stores.members.grantsOf(person) } as const;
      return (await createToken({ ...ground, ...stores }, { caller, name: "own", roles, days: 30 })).token;
    },
    /** How another process of the home reads tokens: over the same table, with its own memory. */
    readElsewhere: makeReadToken(ground, stores),
    pass,
    async close() {
      await app.close();
      await close();
    },
  };
}

const WS = "/workspaces/default";
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

describe("access", () => {
  let home: Awaited<ReturnType<typeof openAccessHome>>;
  beforeAll(async () => {
    home = await openAccessHome();
  });
  afterAll(() => home.close());

  /** A token that an owner makes for a member; its scope is what bounds it. */
  async function personal(person: string, role: string): Promise<string> {
    await home.ask("PUT", `${WS}/members/${person}`, { role });
    const made = await home.ask("POST", "/tokens", { name: "laptop", person, roles: { default: role } });
    expect(made.status).toBe(201);
    return made.json.token;
  }

  test("a token does what its role does, shows its last use, and ends when it is revoked", async () => {
    const made = await home.ask("POST", "/tokens", { name: "ci", person: "ci", roles: { default: "contributor" } });
    const { token, id } = made.json;

    const me = await home.ask("GET", "/me", undefined, token);
    const read = await home.ask("GET", `${WS}/jobs`, undefined, token);
    const write = await home.ask("PUT", `${WS}/computes/local`, { type: "local" }, token);
    const govern = await home.ask("PUT", `${WS}/members/ci`, { role: "owner" }, token);
    const elsewhere = await home.ask("GET", "/workspaces/other/jobs", undefined, token);
    const listed = await home.ask("GET", "/tokens");
    const revoked = await home.ask("DELETE", `/tokens/${id}`);
    const after = await home.ask("GET", `${WS}/jobs`, undefined, token);

    expect(me.json).toMatchObject({ name: "user:ci", kind: "user" });
    expect(me.json.rights.default).toContain("job/create");
    expect([read.status, write.status]).toEqual([200, 200]);
    expect([govern.status, elsewhere.status]).toEqual([403, 403]);
    expect(listed.json.items.find((it: { id: string }) => it.id === id)).toMatchObject({
      name: "ci",
      person: "ci",
      created_by: "user:owner",
      last_used_at: expect.any(String),
    });
    expect(JSON.stringify(listed.json)).not.toContain(token);
    expect([revoked.status, after.status]).toEqual([200, 401]);
    expect(after.json.detail).toBe("the token was revoked");
  });

  test("another process knows of a revocation within 30 seconds", async () => {
    const made = await home.ask("POST", "/tokens", { name: "x", person: "x", roles: { default: "reader" } });
    expect(await home.readElsewhere(made.json.token)).toMatchObject({ name: "user:x" });

    await home.ask("DELETE", `/tokens/${made.json.id}`);
    home.pass(31_000);

    await expect(home.readElsewhere(made.json.token)).rejects.toThrow("the token was revoked");
  });

  test("a token expires, and is not listed any more", async () => {
    const made = await home.ask("POST", "/tokens", { name: "short", person: "s", roles: { "*": "reader" }, days: 1 });
    home.pass(DAY_MS + 1000);
    const after = await home.ask("GET", "/me", undefined, made.json.token);
    const listed = await home.ask("GET", "/tokens");

    expect(after.json.detail).toBe("the token has expired");
    expect(listed.json.items.map((it: { id: string }) => it.id)).not.toContain(made.json.id);
  });

  test("a token makes no token, and nobody gives what they do not have", async () => {
    const contributor = await personal("carla", "contributor");
    const owner = await personal("olga", "owner");

    const again = await home.ask("POST", "/tokens", { name: "t", roles: { default: "reader" } }, contributor);
    const member = await home.ask("PUT", `${WS}/members/dan`, { role: "reader" }, contributor);
    const own = await home.ask("PUT", `${WS}/members/dan`, { role: "reader" }, owner);
    const everywhere = await home.ask("PUT", "/members/dan", { role: "reader" }, owner);

    expect(again.json.detail).toBe("a personal access token can't make another one");
    expect([member.status, own.status, everywhere.status]).toEqual([403, 200, 403]);
  });

  test("a person's own token shrinks with their role", async () => {
    await home.ask("PUT", `${WS}/members/ann`, { role: "contributor" });
    const token = await home.tokenOf("ann", { default: "contributor" });
    const may = async () => {
      const { json } = await home.ask("GET", "/me", undefined, token);
      return [Object.keys(json.rights), json.rights.default?.includes("job/create")];
    };
    const before = await may();
    await home.ask("PUT", `${WS}/members/ann`, { role: "reader" });
    const lowered = await may();
    await home.ask("DELETE", `${WS}/members/ann`);
    const removed = await home.ask("GET", `${WS}/jobs`, undefined, token);

    expect(before).toEqual([["default"], true]);
    expect(lowered).toEqual([["default"], false]);
    expect(removed.status).toBe(403);
    home.pass(31_000);
    await expect(home.tokenOf("ann", { default: "reader" })).rejects.toThrow("which you do not");
  });

  test("only a home's owner sees and revokes everybody's tokens", async () => {
    const eve = await personal("eve", "owner");
    const mine = await home.ask("GET", "/tokens", undefined, eve);
    const all = await home.ask("GET", "/tokens");
    const other = all.json.items.find((it: { person: string }) => it.person !== "eve");
    const refused = await home.ask("DELETE", `/tokens/${other.id}`, undefined, eve);

    expect(mine.json.items.map((it: { person: string }) => it.person)).toEqual(["eve"]);
    expect(refused.status).toBe(404);
  });

  test("a role of the workspace's own does what it names", async () => {
    const made = await home.ask("PUT", `${WS}/roles/trainer`, { rights: ["job/*", "*/read"], description: "Trains" });
    const token = await personal("tom", "trainer");

    const read = await home.ask("GET", `${WS}/models`, undefined, token);
    const run = await home.ask("POST", `${WS}/job-validations`, {}, token);
    const write = await home.ask("PUT", `${WS}/datastores/d`, {}, token);
    const inUse = await home.ask("DELETE", `${WS}/roles/trainer`);
    await home.ask("PUT", `${WS}/roles/trainer`, { rights: ["job/read"] });
    const narrowed = await home.ask("GET", `${WS}/models`, undefined, token);
    const roles = await home.ask("GET", `${WS}/roles`);

    expect(made.json).toMatchObject({ name: "trainer", rights: ["job/*", "*/read"], is_built_in: false });
    expect([read.status, write.status, narrowed.status]).toEqual([200, 403, 403]);
    expect(run.status).not.toBe(403);
    expect(inUse.json).toMatchObject({ code: "InUse", detail: "role `trainer` is `tom`'s" });
    expect(roles.json.items.map((it: { name: string }) => it.name)).toEqual([
      "owner",
      "contributor",
      "reader",
      "trainer",
    ]);
  });

  test("says what is wrong with a role, a person, a token", async () => {
    const builtIn = await home.ask("PUT", `${WS}/roles/owner`, { rights: ["job/read"] });
    const unknown = await home.ask("PUT", `${WS}/members/ann`, { role: "boss" });
    const everywhere = await home.ask("PUT", "/members/ann", { role: "trainer" });
    const right = await home.ask("PUT", `${WS}/roles/odd`, { rights: ["job/fly"] });
    const fake = await home.ask("PUT", `${WS}/roles/odd`, { rights: ["run/report"] });
    const scope = await home.ask("POST", "/tokens", { name: "t", roles: { default: "boss" } });
    const nobody = await home.ask("DELETE", `${WS}/members/nobody`);

    expect(builtIn.json.detail).toBe("role `owner` is built in and stays as it is");
    expect(unknown.json.detail).toBe("workspace `default` has no role `boss`");
    expect(everywhere.json.detail).toBe("`trainer` is no role that every workspace has");
    expect(right.json.detail).toContain("`job/fly` must match");
    expect(fake.status).toBe(400);
    expect(scope.json.detail).toBe("there is no role `boss` in workspace `default`");
    expect(nobody.status).toBe(404);
  });

  test("members of a workspace go with it, and its changes are activities", async () => {
    await home.ask("PUT", "/workspaces/brief", {});
    await home.ask("PUT", "/workspaces/brief/roles/r", { rights: ["job/read"] });
    await home.ask("PUT", "/workspaces/brief/members/zoe", { role: "r" });
    const deleted = await home.ask("DELETE", "/workspaces/brief");
    await home.ask("PUT", "/workspaces/brief", {});
    const members = await home.ask("GET", "/workspaces/brief/members");
    const roles = await home.ask("GET", "/workspaces/brief/roles");
    const told = await home.ask("GET", "/workspaces/brief/activities?resource=member&name=zoe");

    expect(deleted.status).toBe(200);
    expect([members.json.items, roles.json.items.length]).toEqual([[], 3]);
    expect(told.json.items).toMatchObject([{ action: "create", actor: "user:owner", after: { role: "r" } }]);
  });
});
