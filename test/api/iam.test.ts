import { expect, onTestFinished, test } from "vitest";
import { toRequest } from "../../lambdas/middleware/http.ts";
import { handleAsAws } from "../helpers/aws-home.ts";
import { openTestGround } from "../helpers/test-ground.ts";

const ACCOUNT = "123456789012";
const ADA = `arn:aws:iam::${ACCOUNT}:user/ada`;
const TRAINER = `arn:aws:sts::${ACCOUNT}:assumed-role/Trainers/anybody`;

type Event = Parameters<typeof toRequest>[0];

/** What the AWS home composes, asked with the events of a gateway that says who has signed. */
async function openIamHome() {
  const { ground, close } = await openTestGround();
  onTestFinished(close);
  const handle = handleAsAws(ground);

  return async function ask(
    method: string,
    path: string,
    given: {
      readonly body?: unknown;
      readonly token?: string;
      readonly arn?: string;
      readonly account?: string;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    const { arn, account = ACCOUNT, token, body } = given;
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const [rawPath, rawQueryString = ""] = `/api/v1${path}`.split("?");
    const event = {
      rawPath,
      rawQueryString,
      headers: { "content-type": "application/json", host: "home.test", ...authorization, ...given.headers },
      isBase64Encoded: false,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      requestContext: {
        accountId: ACCOUNT,
        http: { method },
        ...(arn === undefined ? {} : { authorizer: { iam: { userArn: arn, accountId: account } } }),
      },
    } as unknown as Event;
    const response = await handle(toRequest(event));
    // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
    return { status: response.status, json: (await response.json()) as any };
  };
}

test("the first IAM caller who asks becomes the owner, and nobody after them", async () => {
  const ask = await openIamHome();

  const early = await ask("POST", "/sign-in/iam", { arn: ADA, body: { name: "x" } });
  const [one, two] = await Promise.all([
    ask("POST", "/bootstrap", { arn: ADA, body: { name: "x", person: "ada@example.org" } }),
    ask("POST", "/bootstrap", { arn: TRAINER, body: { name: "x" } }),
  ]);
  const late = await ask("POST", "/bootstrap", { arn: TRAINER, body: { name: "x" } });
  const owner = one.status === 201 ? one : two;
  const me = await ask("GET", "/me", { token: owner.json.token });

  expect([early.status, early.json.code]).toEqual([403, "Forbidden"]);
  expect([one.status, two.status].toSorted()).toEqual([201, 409]);
  expect([late.status, late.json.detail]).toEqual([409, `this home has an owner already: \`${owner.json.person}\``]);
  expect(me.json.rights["*"]).toContain("member/update");
});

test("a linked user, role or session gets a token of what its person may, and no other caller does", async () => {
  const ask = await openIamHome();
  const owner = (await ask("POST", "/bootstrap", { arn: ADA, body: { name: "x" } })).json.token;
  const role = `${ACCOUNT}:role:Trainers`;
  await ask("PUT", "/workspaces/default/members/tim", { token: owner, body: { role: "reader" } });
  const linked = await ask("PUT", `/iam-links/${encodeURIComponent(role)}`, { token: owner, body: { person: "tim" } });

  const again = await ask("POST", "/sign-in/iam", { arn: ADA, body: { name: "again" } });
  const tim = await ask("POST", "/sign-in/iam", { arn: TRAINER, body: { name: "tim's" } });
  const rights = (await ask("GET", "/me", { token: tim.json.token })).json;
  const write = await ask("PUT", "/workspaces/default/computes/x", { token: tim.json.token, body: {} });
  const other = await ask("POST", "/sign-in/iam", { arn: TRAINER.replace("Trainers", "Others"), body: { name: "x" } });
  const listed = await ask("GET", "/iam-links", { token: owner });
  await ask("DELETE", `/iam-links/${encodeURIComponent(role)}`, { token: owner });
  const after = await ask("POST", "/sign-in/iam", { arn: TRAINER, body: { name: "x" } });
  const told = await ask("GET", `/workspaces/default/activities?resource=member&name=${role}`, { token: owner });

  expect(linked.json).toMatchObject({ principal: role, person: "tim", created_by: "user:ada" });
  expect([again.json.person, tim.json.person]).toEqual(["ada", "tim"]);
  expect([rights.name, Object.keys(rights.rights), write.status]).toEqual(["user:tim", ["default"], 403]);
  expect([other.status, after.status]).toEqual([403, 403]);
  expect(listed.json.items.map((it: { principal: string }) => it.principal)).toEqual([role, `${ACCOUNT}:user:ada`]);
  expect(told.json.items.map((it: { action: string }) => it.action)).toEqual(["delete", "update"]);
});

test("what a client sends makes it no IAM caller, nor does a caller of another account become the owner", async () => {
  const ask = await openIamHome();
  const headers = {
    authorization: "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/execute-api/aws4_request, Signature=00",
    "x-amzn-iam-user-arn": ADA,
  };

  const forged = await ask("POST", "/bootstrap", { headers, body: { name: "x", iam: { arn: ADA } } });
  const foreign = await ask("POST", "/bootstrap", {
    arn: ADA.replace(ACCOUNT, "210987654321"),
    account: "210987654321",
    body: { name: "x" },
  });
  const elsewhere = await ask("GET", "/workspaces", { arn: ADA, headers });

  expect([forged.status, foreign.status, elsewhere.status]).toEqual([401, 403, 401]);
});

test("a home whose owners have all gone can be given a new one", async () => {
  const ask = await openIamHome();
  const first = (await ask("POST", "/bootstrap", { arn: ADA, body: { name: "x" } })).json.token;
  await ask("DELETE", "/members/ada", { token: first });

  const second = await ask("POST", "/bootstrap", { arn: TRAINER, body: { name: "x" } });

  expect([second.status, second.json.person]).toEqual([201, "Trainers"]);
});
