// A CloudFront Function (runtime 2.0: no optional chaining, spread, destructuring or for-of, and no `await` among arguments). What it lets through goes to the bucket, of any size; all else to the API, which decides for itself.
// It may be wrong in one direction only: never let through what the API would refuse.
import cf from "cloudfront";
// biome-ignore lint/style/useNodejsImportProtocol: the service knows it by this name only
import crypto from "crypto";

const store = cf.kvs();
const ARTIFACTS =
  /^(?:\/w\/([A-Za-z0-9][A-Za-z0-9_-]{0,99}))?\/(?:ajax-)?api\/2\.0\/mlflow-artifacts\/artifacts\/(.+)$/;
/** An experiment's run or logged model, and a file below it. Longer names, and characters that somebody could read in two ways, are for the API. */
const FILE =
  /^[0-9]{1,32}\/(?:models\/)?[A-Za-z0-9][A-Za-z0-9_-]{0,255}\/artifacts\/((?:[A-Za-z0-9._~=@,-]|%20)+(?:\/(?:[A-Za-z0-9._~=@,-]|%20)+)*)$/;
const LENGTH_LIMIT = 700;
const TOKEN_LIMIT = 4096;
/** All that a bucket needs to know of a caller, and what no function may take away (length, host, encoding, via). Others (`x-amz-…`) would tell it to do something else, in our name. */
const KEPT_HEADERS = [
  "content-length",
  "content-type",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-unmodified-since",
  "range",
  "transfer-encoding",
  "via",
];

// biome-ignore lint/correctness/noUnusedVariables: the service calls it
async function handler(event) {
  const request = event.request;
  const key = keyOf(request);
  if (key === undefined) return request;
  const isAllowed = await mayDo(request, key);
  if (isAllowed) toBucket(request, key);
  return request;
}

/** The workspace and the object that a request is about; undefined for what only the API can answer. */
function keyOf(request) {
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead && request.method !== "PUT") return undefined;
  const address = ARTIFACTS.exec(request.uri);
  if (address === null || Object.keys(request.querystring).length > 0) return undefined;
  const file = FILE.exec(address[2]);
  if (file === null || address[2].length > LENGTH_LIMIT) return undefined;
  const segments = file[1].split("/");
  if (segments.some((segment) => segment === "." || segment === "..")) return undefined;
  // The API reads event files as they come.
  if (!isRead && segments[segments.length - 1].indexOf("tfevents") !== -1) return undefined;
  const workspace = address[1] === undefined ? "default" : address[1];
  return { workspace: workspace, uri: `/ws/${workspace}/artifacts/${address[2]}`, right: isRead ? "r" : "w" };
}

async function mayDo(request, key) {
  const claims = await claimsOf(tokenOf(request.headers.authorization));
  if (claims === undefined || claims.t !== "pat" || claims.edge === undefined) return false;
  if (typeof claims.exp !== "number" || claims.exp * 1000 < Date.now()) return false;
  const art = claims.edge.art;
  const rights = [art["*"], art[key.workspace]];
  if (rights.indexOf("w") === -1 && !(key.right === "r" && rights.indexOf("r") !== -1)) return false;
  return await isTrusted(claims, key.workspace);
}

/** Since its token was made, nothing has changed about the token, its person, or the workspace, its roles and its bucket. */
async function isTrusted(claims, workspace) {
  const names = [`t#${claims.jti}`, `p#${claims.sub}`, `w#${workspace}`, "w#*", `b#${workspace}`];
  for (let i = 0; i < names.length; i++) {
    const isKnown = await store.exists(names[i]);
    const since = isKnown ? await store.get(names[i]) : "0";
    if (Number(since) >= claims.edge.iat) return false;
  }
  return true;
}

/** Bearer, or basic with the token as password. */
function tokenOf(header) {
  const text = header === undefined ? "" : header.value;
  const bearer = /^bearer\s+(\S+)\s*$/i.exec(text);
  if (bearer !== null) return bearer[1];
  const basic = /^basic\s+([A-Za-z0-9+/=]+)\s*$/i.exec(text);
  if (basic === null) return undefined;
  const pair = Buffer.from(basic[1], "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

/** As src/adapters/node/token-signer.ts signs: base64url(JSON) "." base64url(HMAC-SHA256). */
async function claimsOf(token) {
  if (token === undefined || token.length > TOKEN_LIMIT) return undefined;
  const dot = token.lastIndexOf(".");
  const hasKey = await store.exists("key");
  if (dot < 1 || !hasKey) return undefined;
  const payload = token.slice(0, dot);
  const stored = await store.get("key");
  const expected = crypto.createHmac("sha256", Buffer.from(stored, "base64")).update(payload).digest("base64url");
  if (!isSame(token.slice(dot + 1), expected)) return undefined;
  return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
}

/** Takes as long wherever they differ. */
function isSame(given, expected) {
  let difference = given.length ^ expected.length;
  for (let i = 0; i < expected.length; i++) difference |= given.charCodeAt(i) ^ expected.charCodeAt(i);
  return difference === 0;
}

function toBucket(request, key) {
  request.uri = key.uri;
  const names = Object.keys(request.headers).filter((name) => KEPT_HEADERS.indexOf(name) === -1);
  for (let i = 0; i < names.length; i++) delete request.headers[names[i]];
  request.cookies = {};
  cf.selectRequestOriginById("bucket");
}
