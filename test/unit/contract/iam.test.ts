import { expect, test } from "vitest";
import { IamPrincipal } from "../../../src/contract/access.ts";
import { iamLinkFor, iamPrincipalsOf } from "../../../src/contract/iam.ts";

const SSO = "AWSReservedSSO_Admin_0123456789abcdef";

test.each([
  ["arn:aws:iam::123456789012:user/ada", ["123456789012:user:ada"], "ada"],
  ["arn:aws:iam::123456789012:user/team/ml/ada", ["123456789012:user:ada"], "ada"],
  ["arn:aws:iam::123456789012:role/team/Trainers", ["123456789012:role:Trainers"], "Trainers"],
  ["arn:aws-cn:iam::123456789012:root", ["123456789012:root"], "root"],
  // Whoever assumes a role names the session: the role is all that is known of them.
  [
    "arn:aws:sts::123456789012:assumed-role/Trainers/owner",
    ["123456789012:role:Trainers:owner", "123456789012:role:Trainers"],
    "Trainers",
  ],
  [
    `arn:aws:sts::123456789012:assumed-role/${SSO}/ada@example.org`,
    [`123456789012:role:${SSO}:ada@example.org`, `123456789012:role:${SSO}`],
    "ada@example.org",
  ],
])("%s", (arn, principals, name) => {
  expect(iamPrincipalsOf(arn)).toEqual(principals);
  expect(iamLinkFor(arn)?.name).toBe(name);
  for (const principal of principals) expect(IamPrincipal.safeParse(principal).success).toBe(true);
});

test.each([
  "",
  "ada",
  "arn:aws:sts::123456789012:federated-user/ada",
  "arn:aws:iam::123456789012:user/",
  "arn:aws:sts::123456789012:assumed-role/only",
  "arn:aws:s3:::bucket",
])("%j is linked by nothing", (arn) => {
  expect(iamPrincipalsOf(arn)).toEqual([]);
  expect(iamLinkFor(arn)).toBeUndefined();
});
