import { createSecretKey, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeTokenSigner } from "../../../src/adapters/node/token-signer.ts";
import { type PersonalClaims, signPersonalToken, signRunToken, signUserToken } from "../../../src/core/auth/tokens.ts";
import { EDGE_SOURCE, type EdgeRequest, runAtEdge } from "../../helpers/edge-function.ts";

const KEY = randomBytes(32);
const signer = makeTokenSigner(() => createSecretKey(KEY));
const NOW_SEC = Math.floor(Date.now() / 1000);

/** The request that goes on and its origin, with a store of these values. */
function atEdge(request: Partial<EdgeRequest>, stored: Readonly<Record<string, string>> = {}) {
  const values: Record<string, string | undefined> = { key: KEY.toString("base64"), ...stored };
  const whole = { method: "PUT", uri: PATH, querystring: {}, headers: {}, cookies: { a: {} }, ...request };
  return runAtEdge(whole, async (key) => values[key]);
}

const PATH = "/w/vision/api/2.0/mlflow-artifacts/artifacts/12/0123abcd/artifacts/model/data.bin";

const pat = (changes: Partial<PersonalClaims> = {}) =>
  signPersonalToken(signer, {
    jti: "token-1",
    sub: "ann@example.org",
    roles: { "*": "owner" },
    exp: NOW_SEC + 3600,
    edge: { iat: NOW_SEC, art: { vision: "w", words: "r" } },
    ...changes,
  });

const bearer = (token: string) => ({ authorization: { value: `Bearer ${token}` } });

describe("to the bucket goes", () => {
  test("a file that a writer sends, of whatever size, under its own key", async () => {
    const headers = { ...bearer(await pat()), "content-type": { value: "x/y" }, "content-length": { value: "9" } };

    const { request, origin } = await atEdge({ headers });

    expect(origin).toBe("bucket");
    expect(request.uri).toBe("/ws/vision/artifacts/12/0123abcd/artifacts/model/data.bin");
    expect(Object.keys(request.headers)).toEqual(["content-type", "content-length"]);
    expect(request.cookies).toEqual({});
  });

  test("nothing of a caller's that would tell the bucket to do something else", async () => {
    const headers = {
      ...bearer(await pat()),
      "x-amz-copy-source": { value: "/b/ws/words/artifacts/secret" },
      "x-amz-acl": { value: "public-read" },
      "x-amz-content-sha256": { value: "0" },
      range: { value: "bytes=0-1" },
      // No function may take these away.
      host: { value: "d1.example.test" },
      via: { value: "2.0 d1" },
    };

    expect(Object.keys((await atEdge({ headers })).request.headers)).toEqual(["range", "host", "via"]);
  });

  test.each([
    ["reading with a reader's token", "GET", PATH.replace("vision", "words"), "words"],
    ["reading with a writer's token", "HEAD", PATH, "vision"],
    ["a logged model's file", "PUT", PATH.replace("12/0123abcd", "12/models/m-77"), "vision"],
    ["a name with a blank", "PUT", PATH.replace("data.bin", "a%20b.bin"), "vision"],
    ["the address of the browser", "PUT", PATH.replace("/api/", "/ajax-api/"), "vision"],
  ])("%s", async (_, method, uri, workspace) => {
    const { request, origin } = await atEdge({ method, uri, headers: bearer(await pat()) });

    expect(origin).toBe("bucket");
    expect(request.uri.startsWith(`/ws/${workspace}/artifacts/12/`)).toBe(true);
  });

  test("what is sent with basic authentication, and to the bare root", async () => {
    const token = await pat({ edge: { iat: NOW_SEC, art: { "*": "w" } } });
    const authorization = { value: `Basic ${Buffer.from(`ann:${token}`).toString("base64")}` };

    const { request, origin } = await atEdge({ uri: PATH.replace("/w/vision", ""), headers: { authorization } });

    expect([origin, request.uri]).toEqual(["bucket", "/ws/default/artifacts/12/0123abcd/artifacts/model/data.bin"]);
  });
});

describe("the API decides, untouched, about", () => {
  const cases: [string, () => Promise<string>, Partial<EdgeRequest>, Record<string, string>?][] = [
    ["a reader who writes", () => pat(), { uri: PATH.replace("vision", "words") }],
    ["another workspace", () => pat(), { uri: PATH.replace("vision", "other"), method: "GET" }],
    ["an expired token", () => pat({ exp: NOW_SEC - 1 }), {}],
    [
      "a token that says nothing to the edge",
      async () => signPersonalToken(signer, { jti: "t", sub: "s", roles: {}, exp: NOW_SEC + 9 }),
      {},
    ],
    ["a run's token", () => signRunToken(signer, "vision", "0123abcd"), {}],
    ["a key holder's token", () => signUserToken(signer, { name: "o", roles: { "*": "owner" }, id: "i" }), {}],
    ["a token that another key signed", () => pat().then((token) => `${token.slice(0, -3)}AAA`), {}],
    ["a signature that is cut", () => pat().then((token) => token.slice(0, -1)), {}],
    ["a token without a signature", () => pat().then((token) => `${token.slice(0, token.indexOf("."))}.`), {}],
    ["a revoked token", () => pat(), {}, { "t#token-1": String(NOW_SEC) }],
    ["a person whose roles have changed since", () => pat(), {}, { "p#ann@example.org": String(NOW_SEC + 60) }],
    ["a workspace whose roles have changed since", () => pat(), {}, { "w#vision": String(NOW_SEC + 60) }],
    ["a workspace with a bucket of its own", () => pat(), {}, { "b#vision": "99999999999" }],
    ["deletions", () => pat(), { method: "DELETE" }],
    ["listings", () => pat(), { method: "GET", uri: "/w/vision/api/2.0/mlflow-artifacts/artifacts" }],
    ["a query", () => pat(), { querystring: { versionId: { value: "1" } } }],
    [
      "event files, which are read as they come",
      () => pat(),
      { uri: PATH.replace("data.bin", "events.out.tfevents.1.host") },
    ],
    ["a folder", () => pat(), { uri: PATH.replace("/data.bin", "/") }],
    ["places outside of runs", () => pat(), { uri: PATH.replace("12/0123abcd/artifacts", "registered-models/m/1") }],
    ["`..`", () => pat(), { uri: PATH.replace("model/", "../") }],
    ["an escape", () => pat(), { uri: PATH.replace("model/", "%2e%2e/") }],
    ["an escaped slash", () => pat(), { uri: PATH.replace("model/", "a%2fb/") }],
    ["an empty segment", () => pat(), { uri: PATH.replace("model/", "model//") }],
    ["a plus, which may be a blank", () => pat(), { uri: PATH.replace("model/", "a+b/") }],
    ["another route", () => pat(), { uri: "/w/vision/api/2.0/mlflow/runs/create" }],
  ];

  test.each(cases)("%s", async (...[, token, request, stored]) => {
    const headers = bearer(await token());

    const { request: left, origin } = await atEdge({ ...request, headers }, stored);

    expect(origin).toBe("api");
    expect(left).toMatchObject({ method: "PUT", uri: PATH, ...request, headers });
  });

  test("whoever has no token, or the store no key", async () => {
    expect((await atEdge({})).origin).toBe("api");
    expect((await atEdge({ headers: { authorization: { value: "Digest x" } } })).origin).toBe("api");
  });
});

test("a change before the token was made is known to the token", async () => {
  const { origin } = await atEdge({ headers: bearer(await pat()) }, { "p#ann@example.org": String(NOW_SEC - 60) });

  expect(origin).toBe("bucket");
});

test("is no larger than the service takes, and stays within its language", () => {
  expect(Buffer.byteLength(EDGE_SOURCE)).toBeLessThan(10_240);
  const code = EDGE_SOURCE.replace(/^\s*(?:\/\/|\/\*\*).*$/gm, "");
  expect(code).not.toMatch(/\?\.|\?\?|\.\.\.|\bclass\b|\bof\b|(?:const|let) [[{]/);
  // Not even in brackets.
  expect(code).not.toMatch(/[(,]\s*await\b/);
});
