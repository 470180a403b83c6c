import { expect, test } from "vitest";
import { makeCredentials, sessionPolicy } from "../../../../src/adapters/aws/credentials.ts";

const ROLE = "arn:aws:iam::000000000000:role/jobs";

test("a session may get, put and list below its prefixes, and nothing else", () => {
  expect(sessionPolicy({ bucket: "b" }, ["ws/w/artifacts/1/r/artifacts/", "ws/w/datastore/azureml/r/"], ROLE)).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject"],
        Resource: ["arn:aws:s3:::b/ws/w/artifacts/1/r/artifacts/*", "arn:aws:s3:::b/ws/w/datastore/azureml/r/*"],
      },
      {
        Effect: "Allow",
        Action: ["s3:ListBucket"],
        Resource: "arn:aws:s3:::b",
        Condition: { StringLike: { "s3:prefix": ["ws/w/artifacts/1/r/artifacts/*", "ws/w/datastore/azureml/r/*"] } },
      },
    ],
  });
});

test("what would be a pattern is taken for its characters", () => {
  const [objects] = sessionPolicy({ bucket: "b" }, ["a*b?c$d/"], ROLE).Statement;

  expect(objects).toMatchObject({ Resource: ["arn:aws:s3:::b/a${*}b${?}c${$}d/*"] });
});

test("a key of one's own is used too, and other partitions are named", () => {
  const keyArn = "arn:aws-cn:kms:cn-north-1:000000000000:key/k";
  const roleArn = "arn:aws-cn:iam::000000000000:role/jobs";
  const { Statement } = sessionPolicy({ bucket: "b", keyArn }, ["p/"], roleArn);

  expect(Statement).toContainEqual({
    Effect: "Allow",
    Action: ["kms:Decrypt", "kms:GenerateDataKey"],
    Resource: keyArn,
  });
  expect(Statement[0]).toMatchObject({ Resource: ["arn:aws-cn:s3:::b/p/*"] });
});

test("the longest names fit in what STS takes", () => {
  const [workspace, run, experiment] = ["w".repeat(63), "r".repeat(256), "9".repeat(19)];
  const prefixes = [
    `ws/${workspace}/artifacts/${experiment}/${run}/artifacts/`,
    `ws/${workspace}/datastore/azureml/${run}/`,
  ];
  const keyArn = `arn:aws:kms:ap-southeast-1:000000000000:key/${"k".repeat(36)}`;

  expect(JSON.stringify(sessionPolicy({ bucket: "b".repeat(63), keyArn }, prefixes, ROLE)).length).toBeLessThan(2048);
});

test("as many prefixes are lent as a policy has room for, and a file is no folder", async () => {
  const asked: { readonly Policy?: string }[] = [];
  const answer = { AccessKeyId: "a", SecretAccessKey: "s", SessionToken: "t", Expiration: new Date() };
  const send = async ({ input }: { readonly input: { readonly Policy?: string } }) => {
    asked.push(input);
    return { Credentials: answer };
  };
  const sts = { send, config: { region: async () => "eu-central-1" } };
  const credentials = makeCredentials({ sts: sts as never, bucket: "b", settings: { roleArn: ROLE } });
  const many = Array.from({ length: 20 }, (_, i) => `ws/w/datastore/${"x".repeat(60)}/${i}/`);

  const few = await credentials.lend("run", ["ws/w/a/", "ws/w/b/", "ws/w/c.csv"]);
  const { prefixes } = await credentials.lend("run", many);

  expect(few.prefixes).toBe(3);
  expect(JSON.parse(asked[0]?.Policy ?? "").Statement[0].Resource).toEqual([
    "arn:aws:s3:::b/ws/w/a/*",
    "arn:aws:s3:::b/ws/w/b/*",
    "arn:aws:s3:::b/ws/w/c.csv",
  ]);
  expect(prefixes).toBeGreaterThan(5);
  expect(prefixes).toBeLessThan(20);
  expect(asked[1]?.Policy?.length).toBeLessThanOrEqual(2048);
});
