import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { yard } from "../helpers/cli.ts";
import { CLIENT_ID, type Issuer, startIssuer } from "../helpers/issuer.ts";
import { makeTempDir, until } from "../helpers/ports.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

const temporary = makeTempDir();
let issuer: Issuer;
let server: TestServer;

beforeAll(async () => {
  issuer = await startIssuer();
  server = await startServer({
    env: { TRAINYARD_OIDC_ISSUER: issuer.url, TRAINYARD_OIDC_CLIENT_ID: CLIENT_ID },
  });
  await asOwner("member", "create", "--name", "ada@example.org", "--role", "contributor");
});
afterAll(async () => {
  await server?.dispose();
  await issuer?.close();
  temporary.remove();
});

const asOwner = (...argv: string[]) =>
  yard(argv, { cwd: temporary.path, env: { TRAINYARD_URL: server.url(), TRAINYARD_TOKEN: server.token() } });

async function ask(path: string, token: string): Promise<{ status: number; detail?: string; name?: string }> {
  const response = await fetch(`${server.url()}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { ...((await response.json()) as object), status: response.status };
}

describe("signing in", () => {
  it("goes through the browser, keeps a token of the home's own, and ends with logout", async () => {
    const cwd = temporary.path;
    let err = "";
    const signing = yard(["login", server.url(), "--port", "0"], {
      cwd,
      onErr: (text) => {
        err += text;
      },
    });
    const page = await until(() => /(http\S+\/authorize\?\S+)/.exec(err)?.[1], "the address to sign in at");
    // The browser: goes there, is sent back.
    expect(await (await fetch(page)).text()).toContain("You can close this window");
    const login = await signing;
    const kept = JSON.parse(readFileSync(join(cwd, ".config/trainyard/config.json"), "utf8"));
    const who = await yard(["whoami", "-o", "json"], { cwd });
    const tokens = JSON.parse((await yard(["token", "list", "-o", "json"], { cwd })).out);
    const logout = await yard(["logout"], { cwd });

    expect(login).toMatchObject({ code: 0 });
    expect(JSON.parse(login.out)).toEqual({ name: "user:ada@example.org", address: server.url() });
    expect(statSync(join(cwd, ".config/trainyard/config.json")).mode & 0o777).toBe(0o600);
    expect(JSON.parse(who.out).rights.default).toContain("job/create");
    expect(tokens).toMatchObject([{ name: expect.stringContaining("yard login on"), person: "ada@example.org" }]);
    expect(logout.code).toBe(0);
    expect((await ask("/me", kept.token)).detail).toBe("the token was revoked");
    expect(JSON.parse(readFileSync(join(cwd, ".config/trainyard/config.json"), "utf8"))).toEqual({
      address: server.url(),
    });
  });

  it("refuses a way back that another page made up, and says who is not signed in yet", async () => {
    const cwd = temporary.path;
    let err = "";
    const signing = yard(["login", server.url(), "--port", "0"], {
      cwd,
      onErr: (text) => {
        err += text;
      },
    });
    const page = await until(() => /(http\S+\/authorize\?\S+)/.exec(err)?.[1], "the address to sign in at");
    await fetch(`${new URL(page).searchParams.get("redirect_uri")}?code=stolen&state=guessed`);
    const result = await signing;

    expect(result.code).not.toBe(0);
    expect(result.err).toContain("does not belong to this attempt");
  });

  it("takes ID tokens of its issuer for its client, and no other", async () => {
    const good = await issuer.sign({ email: "ada@example.org", email_verified: true });
    const cases = {
      "another issuer's key": await issuer.sign({}, { foreign: true }),
      "another client": await issuer.sign({ aud: "somebody-else" }),
      "another issuer": await issuer.sign({ iss: "https://elsewhere.example" }),
      "too old": await issuer.sign({ exp: Math.floor(Date.now() / 1000) - 3600 }),
      "an access token": await issuer.sign({ token_use: "access" }),
      "no signature": `${Buffer.from('{"alg":"none"}').toString("base64url")}.${good.split(".")[1]}.`,
      "no token at all": "a.b.c",
    };

    expect(await ask("/me", good)).toMatchObject({ status: 200, name: "user:ada@example.org" });
    for (const [what, token] of Object.entries(cases)) {
      expect([what, (await ask("/me", token)).status]).toEqual([what, 401]);
    }
  });

  it("does not believe an address that the issuer has not checked", async () => {
    const token = await issuer.sign({ email: "ada@example.org", email_verified: false, preferred_username: "mallory" });

    expect(await ask("/me", token)).toMatchObject({ status: 200, name: "user:mallory" });
    expect((await ask("/workspaces/default/jobs", token)).status).toBe(403);
  });

  it("takes nobody for the address that they chose as their name", async () => {
    for (const email_verified of [false, undefined]) {
      const token = await issuer.sign({
        ...(email_verified === undefined ? {} : { email: "eve@example.org", email_verified }),
        preferred_username: "ada@example.org",
        "cognito:username": "Ada@example.org",
      });

      expect(await ask("/me", token)).toMatchObject({ status: 200, name: "user:1234" });
    }
  });

  it("shows a code to enter on another machine, where the issuer has that way", async () => {
    const cwd = makeTempDir();
    issuer.hasDevices = true;
    let err = "";
    const signing = yard(["login", server.url(), "--no-browser"], {
      cwd: cwd.path,
      onErr: (text) => {
        err += text;
      },
    });
    const code = await until(() => /enter the code (\S+)/.exec(err)?.[1], "the code");
    const page = /(http\S+\/device)/.exec(err)?.[1] ?? "";
    await fetch(`${page}?user_code=${code}`);
    const login = await signing;
    issuer.hasDevices = false;
    cwd.remove();

    expect(login).toMatchObject({ code: 0 });
    expect(JSON.parse(login.out)).toEqual({ name: "user:ada@example.org", address: server.url() });
  });

  it("reads a token from standard input where there is no browser", async () => {
    const cwd = makeTempDir();
    const made = JSON.parse((await asOwner("token", "create", "--name", "x", "--role", "reader", "-o", "json")).out);
    const login = await yard(["login", server.url(), "--token"], { cwd: cwd.path, stdin: `${made.token}\n` });
    const bad = await yard(["login", server.url(), "--token"], { cwd: cwd.path, stdin: "nonsense\n" });
    cwd.remove();

    expect(login.code).toBe(0);
    expect(bad.code).not.toBe(0);
    expect(bad.err).toContain("the token is not one of this home");
  });
});
