import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toRequest } from "../../lambdas/middleware/http.ts";
import { openHome } from "../../src/adapters/local/home.ts";
import { signForAws } from "../../src/cli/sign-in/sigv4.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { handleAsAws } from "../helpers/aws-home.ts";
import { yard } from "../helpers/cli.ts";
import { makeTempDir } from "../helpers/ports.ts";

const ACCOUNT = "123456789012";
const USERS: Readonly<Record<string, { readonly arn: string; readonly secretAccessKey: string }>> = {
  AKIAADA: { arn: `arn:aws:iam::${ACCOUNT}:user/ada`, secretAccessKey: "adas-secret" },
  AKIATIM: { arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Trainers/tim`, secretAccessKey: "tims-secret" },
};
const GATED = ["/api/v1/sign-in/iam", "/api/v1/bootstrap"];
const temp = makeTempDir();
let url = "";
let close: () => Promise<void>;

/** What the gateway does: on two addresses it checks the signature, and tells who has signed. */
beforeAll(async () => {
  const home = await openHome({ dir: join(temp.path, "home") });
  const handle = handleAsAws({
    ...home,
    activity: makeActivityWrite(home),
    log: { info: () => undefined, fault: () => undefined },
    address: () => url,
  });
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const [rawPath = "/", rawQueryString = ""] = (request.url ?? "/").split("?");
    const signer = GATED.includes(rawPath) ? signerOf(request, rawPath, body) : undefined;
    if (GATED.includes(rawPath) && signer === undefined) {
      response.writeHead(403, { "content-type": "application/json" }).end('{"message":"Forbidden"}');
      return;
    }
    const event = {
      rawPath,
      rawQueryString,
      headers: { ...request.headers, "x-forwarded-proto": "http" },
      body,
      isBase64Encoded: false,
      requestContext: {
        accountId: ACCOUNT,
        http: { method: request.method },
        ...(signer === undefined ? {} : { authorizer: { iam: { userArn: signer, accountId: ACCOUNT } } }),
      },
    } as unknown as Parameters<typeof toRequest>[0];
    const answer = await handle(toRequest(event));
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = async () => {
    server.closeAllConnections();
    server.close();
    await home.close();
  };
});
afterAll(async () => {
  await close();
  temp.remove();
});

/** Signs what came with the secret of the key it names, and compares. */
function signerOf({ method = "GET", headers }: IncomingMessage, path: string, body: string): string | undefined {
  const { authorization = "", "x-amz-date": stamp = "" } = headers;
  const [, accessKeyId = "", signed = ""] = /Credential=(\w+)\/.*SignedHeaders=([^,]+),/.exec(authorization) ?? [];
  const user = USERS[accessKeyId];
  if (user === undefined) return undefined;
  const at = String(stamp).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const names = signed.split(";").filter((name) => !["host", "x-amz-date"].includes(name));
  const again = signForAws(
    {
      method,
      url: new URL(path, url),
      headers: Object.fromEntries(names.map((name) => [name, String(headers[name])])),
      body,
    },
    { credentials: { accessKeyId, ...user }, region: "us-east-1", service: "execute-api", nowMs: Date.parse(at) },
  );
  return again.authorization === authorization ? user.arn : undefined;
}

const as = (key: string, secret = USERS[key]?.secretAccessKey ?? "") => ({
  cwd: temp.path,
  env: {
    XDG_CONFIG_HOME: join(temp.path, key),
    AWS_ACCESS_KEY_ID: key,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_REGION: "us-east-1",
  },
});

test("whoever deployed a home becomes its owner by their AWS credentials, and lets others in by theirs", async () => {
  const stranger = await yard(["login", url, "--iam"], as("AKIATIM"));
  const forged = await yard(["bootstrap", url], as("AKIAADA", "guessed"));
  const owner = await yard(["bootstrap", url, "--name", "ada@example.org"], as("AKIAADA"));
  const late = await yard(["bootstrap", url], as("AKIATIM"));
  await yard(["member", "create", "--name", "tim", "--role", "reader"], as("AKIAADA"));
  const role = "arn:aws:iam::123456789012:role/team/Trainers";
  const linked = await yard(["iam", "create", "--principal", role, "--name", "tim"], as("AKIAADA"));
  const login = await yard(["login", url, "--iam"], as("AKIATIM"));
  const who = await yard(["whoami", "-o", "json"], as("AKIATIM"));
  await yard(["iam", "delete", "--principal", role, "--yes"], as("AKIAADA"));
  const gone = await yard(["login", url, "--iam"], as("AKIATIM"));
  const listed = await yard(["iam", "list", "-o", "json"], as("AKIAADA"));

  expect([stranger.code, forged.code, late.code, gone.code].every((code) => code !== 0)).toBe(true);
  expect(forged.err).toContain("your IAM user or role may not `execute-api:Invoke` it");
  expect(stranger.err).toContain("stands for nobody in this home");
  expect(late.err).toContain("has an owner already: `ada@example.org`");
  expect(JSON.parse(owner.out)).toEqual({ name: "user:ada@example.org", address: url, role: "owner" });
  expect(JSON.parse(linked.out)).toMatchObject({ principal: `${ACCOUNT}:role:Trainers`, person: "tim" });
  expect(JSON.parse(login.out)).toEqual({ name: "user:tim", address: url });
  expect(Object.keys(JSON.parse(who.out).rights)).toEqual(["default"]);
  expect(JSON.parse(listed.out)).toMatchObject([{ person: "ada@example.org" }]);
});
