import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { rightsOf } from "./rights.ts";
import { resourcesOf, template } from "./templates.ts";

const serving = await template("serving");
const rights = rightsOf(serving);
const actionsOf = (role: RegExp) =>
  Object.entries(rights)
    .filter(([id]) => role.test(id))
    .flatMap(([, { statements }]) => statements.flatMap(({ Action = [] }) => [Action].flat()))
    .sort();

describe("the serving stack", () => {
  test("has a public address that streams, in front of one function, and nothing that runs by itself", () => {
    serving.hasResourceProperties("AWS::Lambda::Url", { AuthType: "NONE", InvokeMode: "RESPONSE_STREAM" });
    const types = Object.values(resourcesOf(serving)).map(({ Type }) => Type);
    expect([...new Set(types)].sort()).toEqual([
      "AWS::ECR::Repository",
      "AWS::IAM::Policy",
      "AWS::IAM::Role",
      "AWS::Lambda::Function",
      "AWS::Lambda::Permission",
      "AWS::Lambda::Url",
      "AWS::Logs::LogGroup",
    ]);
  });

  test("lets anybody ask the address, and nobody call the function past it", () => {
    const permissions = Object.values(resourcesOf(serving)).filter(({ Type }) => Type === "AWS::Lambda::Permission");

    expect(permissions.map(({ Properties }) => [Properties?.Action, Properties?.Principal]).sort()).toEqual([
      ["lambda:InvokeFunction", "*"],
      ["lambda:InvokeFunctionUrl", "*"],
    ]);
    const direct = permissions.find(({ Properties }) => Properties?.Action === "lambda:InvokeFunction");
    expect(direct?.Properties).toMatchObject({ InvokedViaFunctionUrl: true });
  });

  test("the router reads records and the key of tokens, calls functions of deployments, and writes nothing", () => {
    expect(actionsOf(/^Router/)).toEqual([
      "dynamodb:BatchGetItem",
      "dynamodb:GetItem",
      "dynamodb:Query",
      "lambda:InvokeFunction",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "secretsmanager:GetSecretValue",
    ]);
  });

  test("functions of deployments may write their own log, and no more", () => {
    expect(actionsOf(/^Role/)).toEqual(["logs:CreateLogStream", "logs:PutLogEvents"]);
    const text = JSON.stringify(Object.entries(rights).filter(([id]) => /^Role/.test(id)));
    expect(text).toContain(":log-group:/aws/lambda/trainyard-serve-*:*");
  });

  test("keeps images in use, lets the others go, lets Lambda alone pull them, and goes with all of them", () => {
    serving.hasResource("AWS::ECR::Repository", {
      DeletionPolicy: "Delete",
      Properties: {
        RepositoryName: "trainyard/endpoints",
        EmptyOnDelete: true,
        ImageScanningConfiguration: { ScanOnPush: true },
        LifecyclePolicy: { LifecyclePolicyText: Match.stringLikeRegexp('"used-".*"sinceImagePushed"') },
        RepositoryPolicyText: {
          Statement: [
            Match.objectLike({
              Principal: { Service: "lambda.amazonaws.com" },
              Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
              Condition: { StringLike: Match.anyValue() },
            }),
          ],
        },
      },
    });
  });
});
