import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { resourcesOf, template } from "./templates.ts";

const api = await template("api");

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

function statements(): readonly Statement[] {
  return Object.values(resourcesOf(api)).flatMap(({ Type, Properties = {} }) =>
    Type === "AWS::IAM::Policy" ? (Properties.PolicyDocument as { Statement: Statement[] }).Statement : [],
  );
}

describe("the API stack", () => {
  test("has one function behind one HTTP API, and nothing else that runs", () => {
    api.resourceCountIs("AWS::Lambda::Function", 1);
    api.resourceCountIs("AWS::ApiGatewayV2::Api", 1);
    api.hasResourceProperties("AWS::Lambda::Function", {
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Environment: {
        Variables: {
          TABLE_NAME: Match.anyValue(),
          BUCKET_NAME: Match.anyValue(),
          VAULT_KEY_ARN: Match.anyValue(),
          API_URL: Match.anyValue(),
        },
      },
    });
    api.hasResourceProperties("AWS::Logs::LogGroup", { RetentionInDays: 30 });
  });

  test("the gateway checks AWS signatures where IAM callers get tokens, and leaves everything else to the function", () => {
    const gated = Object.values(api.findResources("AWS::ApiGatewayV2::Route")).map(
      ({ Properties }) => [Properties.RouteKey, Properties.AuthorizationType] as const,
    );

    expect(Object.fromEntries(gated)).toEqual({
      $default: "NONE",
      "POST /api/v1/bootstrap": "AWS_IAM",
      "POST /api/v1/sign-in/iam": "AWS_IAM",
    });
  });

  test("the function may do this and no more", () => {
    const actions = statements().flatMap(({ Action }) => [Action].flat());

    expect([...actions].sort()).toEqual([
      "dynamodb:BatchGetItem",
      "dynamodb:ConditionCheckItem",
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
      "s3:AbortMultipartUpload",
      "s3:DeleteObject",
      "s3:GetObject",
      "s3:ListBucket",
      "s3:PutObject",
      "secretsmanager:GetSecretValue",
    ]);
  });

  test("and to the home's own table, bucket and secret only", () => {
    const owned = /^trainyard-data:ExportsOutput\w*(?:Table|Objects|VaultKey)/;
    for (const { Effect, Resource } of statements()) {
      expect(Effect).toBe("Allow");
      for (const resource of [Resource].flat()) {
        const [imported = ""] = /trainyard-data:ExportsOutput\w+/.exec(JSON.stringify(resource)) ?? [];
        expect(imported).toMatch(owned);
      }
    }
  });
});
