import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { rightsOf } from "./rights.ts";
import { assembly, template } from "./templates.ts";

async function actionsIn(variant: "plain" | "passing"): Promise<readonly string[]> {
  const roles = Object.values(rightsOf(await template("drain", variant)));
  return roles.flatMap(({ statements }) => statements.flatMap(({ Action = [] }) => [Action].flat())).sort();
}

test("the home is drained before any other stack goes", async () => {
  const manifest = JSON.parse(readFileSync(join(await assembly("plain"), "manifest.json"), "utf8"));
  const stacks = Object.entries<{ type: string; dependencies?: string[] }>(manifest.artifacts)
    .filter(([, { type }]) => type === "aws:cloudformation:stack")
    .map(([name]) => name);

  const { dependencies } = manifest.artifacts["trainyard-drain"];

  expect(dependencies).toEqual(expect.arrayContaining(stacks.filter((name) => name !== "trainyard-drain")));
});

test("a home whose data is kept is drained by what can delete no data", async () => {
  const destroys = /^(?:s3|dynamodb|ecr):.*Delete|secretsmanager|kms:Schedule/;

  expect((await actionsIn("plain")).filter((action) => destroys.test(action))).toEqual([]);
  expect([...new Set((await actionsIn("passing")).filter((action) => destroys.test(action)))]).toEqual([
    "ecr:DeleteRepository",
    "kms:ScheduleKeyDeletion",
    "s3:DeleteBucket",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "secretsmanager:DeleteSecret",
  ]);
});
