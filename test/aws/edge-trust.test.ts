import { type CloudFrontKeyValueStoreClient, GetKeyCommand } from "@aws-sdk/client-cloudfront-keyvaluestore";
import { afterAll, beforeAll, expect, test } from "vitest";
import { distrustOf, openEdgeClient, tellEdge } from "../../src/adapters/aws/edge-trust.ts";
import { AWS, startMinistack } from "./ministack.ts";

let emulator: Awaited<ReturnType<typeof startMinistack>>;
let client: CloudFrontKeyValueStoreClient;
let arn: string;

beforeAll(async () => {
  emulator = await startMinistack();
  client = openEdgeClient(emulator.endpoint, AWS);
  arn = await makeStore("trust");
});
afterAll(() => emulator?.stop());

/** What CloudFormation does. */
async function makeStore(name: string): Promise<string> {
  const answer = await fetch(`${emulator.endpoint}/2020-05-31/key-value-store`, {
    method: "POST",
    headers: {
      "content-type": "application/xml",
      authorization:
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudfront/aws4_request, SignedHeaders=host, Signature=0",
    },
    body: `<CreateKeyValueStoreRequest xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Name>${name}</Name></CreateKeyValueStoreRequest>`,
  });
  const [, found = ""] = /<ARN>([^<]*)<\/ARN>/.exec(await answer.text()) ?? [];
  return found;
}

const stored = async (Key: string) => (await client.send(new GetKeyCommand({ KvsARN: arn, Key }))).Value;

test("tells the edge since when it may not believe a token, a person, a workspace's roles", async () => {
  const values = distrustOf([
    { kind: "REMOVE", item: { type: "token", id: "abc" }, atSec: 100 },
    { kind: "MODIFY", item: { type: "membership", person: "ann@example.org", workspace: "w" }, atSec: 101 },
    { kind: "REMOVE", item: { type: "role", workspace: "*", name: "r" }, atSec: 102 },
  ]);

  await tellEdge(client, arn, values);

  expect([await stored("t#abc"), await stored("p#ann@example.org"), await stored("w#*")]).toEqual([
    "105",
    "106",
    "107",
  ]);
});

test("two who tell it at once are both heard", async () => {
  const names = ["p#a", "p#b", "p#c"];

  await Promise.all(names.map((name) => tellEdge(client, arn, { [name]: "1" })));

  expect(await Promise.all(names.map(stored))).toEqual(["1", "1", "1"]);
});

test("a workspace with a bucket of its own is the API's from before it is there until it is gone", () => {
  const item = { type: "workspace-storage", workspace: "apart" };

  const [claimed] = Object.entries(distrustOf([{ kind: "INSERT", item, atSec: 100 }]));

  expect(claimed?.[0]).toBe("b#apart");
  expect(Number(claimed?.[1])).toBeGreaterThan(Date.now() / 1000 + 1e9);
  expect(distrustOf([{ kind: "REMOVE", item, atSec: 100 }])).toEqual({ "b#apart": "105" });
});

test("what only adds rights, or notes a token's last use, is not told", () => {
  expect(
    distrustOf([
      { kind: "INSERT", item: { type: "membership", person: "p" }, atSec: 1 },
      { kind: "MODIFY", item: { type: "token", id: "t" }, atSec: 1 },
      { kind: "REMOVE", item: { type: "run" }, atSec: 1 },
    ]),
  ).toEqual({});
});
