import { describe, expect, test } from "vitest";
import { excessOf, rightsOf } from "./rights.ts";
import { templates } from "./templates.ts";

/** Actions that know no resources, and policies of others: each with its reason. Nothing else may be so wide. */
const MEANT: Readonly<Record<string, string>> = {
  "ecr:GetAuthorizationToken": "a login to the registry is for no repository in particular",
  "autoscaling:DescribeScalingActivities":
    "the service knows no resources of it; groups are named after the environment",
  "batch:Describe": "the service knows no resources of descriptions; tags tell what is the home's",
  "lambda:ListFunctions": "the service knows no resources of the list; names tell what is the home's",
  "batch:ListJobs": "the service knows no resources of it; names of jobs tell what is the home's",
  "kms:CreateKey": "a key has no name before it is made; its tag has to be the home's",
  "kms:TagResource": "only of keys that are being made, with the home's tag",
  "ecs:DiscoverPollEndpoint": "the service knows no resources of it; a machine's agent asks where to report",
};

const plain = Object.entries(await templates());
const roles = plain.flatMap(([stack, template]) =>
  Object.entries(rightsOf(template)).map(([id, rights]) => [`${stack}/${id}`, rights] as const),
);

test("there are roles to look at", () => {
  expect(roles.map(([name]) => name)).toContainEqual(expect.stringMatching(/^api\/ApiRole/));
});

test.each(roles)("%s may do what it names, to what it names", (_, rights) => {
  expect(rights.statements).not.toEqual([]);
  expect(excessOf(rights, MEANT)).toEqual([]);
});

describe("it would be noticed that a role", () => {
  const allow = { Effect: "Allow", Resource: "arn:aws:s3:::x/*" };

  test.each([
    ["does everything of a service", { ...allow, Action: "s3:*" }],
    ["does everything", { ...allow, Action: ["s3:GetObject", "*"] }],
    ["does a thing to everything", { ...allow, Action: "s3:GetObject", Resource: "*" }],
    ["does a thing to all but one", { Effect: "Allow", Action: "s3:GetObject", NotResource: "arn:aws:s3:::x" }],
    ["does all but one thing", { ...allow, NotAction: "s3:GetObject" }],
  ])("%s", (_, statement) => {
    expect(excessOf({ statements: [statement], managed: [] }, {})).toHaveLength(1);
  });

  test("follows a policy of somebody else", () => {
    const managed = ["arn:aws:iam::aws:policy/AdministratorAccess"];

    expect(excessOf({ statements: [], managed }, {})).toHaveLength(1);
    expect(excessOf({ statements: [], managed }, { AdministratorAccess: "a reason" })).toEqual([]);
  });
});

test("of what is meant to be wide, everything is used", () => {
  const all = JSON.stringify(roles);

  expect(Object.keys(MEANT).filter((action) => !all.includes(action))).toEqual([]);
});
