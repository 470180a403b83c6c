import { readFileSync } from "node:fs";
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { BUCKET_INFIX, FOLDER } from "../../src/adapters/aws/storage/settings.ts";
import { rightsOf, type Statement } from "./rights.ts";
import { template } from "./templates.ts";

const api = await template("api");

const rights = Object.entries(rightsOf(api));
const statementsOf = (role: RegExp) =>
  rights.filter(([id]) => role.test(id)).flatMap(([, { statements }]) => statements);
const statements = statementsOf(/^Api/);

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
    const actions = statements.flatMap(({ Action = [] }) => [Action].flat());

    const making = /^s3:(?:CreateBucket|DeleteBucket|Put(?:Bucket|Encryption|Lifecycle))|^kms:|^ecr:/;
    expect([...new Set(actions)].filter((action) => !making.test(action)).sort()).toEqual([
      "dynamodb:BatchGetItem",
      "dynamodb:ConditionCheckItem",
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
      "events:DeleteRule",
      "events:PutRule",
      "events:PutTargets",
      "events:RemoveTargets",
      "iam:PassRole",
      "logs:CreateLogStream",
      "logs:DescribeLogStreams",
      "logs:GetLogEvents",
      "logs:PutLogEvents",
      "s3:AbortMultipartUpload",
      "s3:DeleteObject",
      "s3:DeleteObjectVersion",
      "s3:GetBucketNotification",
      "s3:GetBucketPublicAccessBlock",
      "s3:GetBucketVersioning",
      "s3:GetEncryptionConfiguration",
      "s3:GetObject",
      "s3:ListBucket",
      "s3:ListBucketVersions",
      "s3:PutObject",
      "scheduler:CreateSchedule",
      "secretsmanager:CreateSecret",
      "secretsmanager:DeleteSecret",
      "secretsmanager:GetSecretValue",
      "secretsmanager:TagResource",
      "sns:CreateTopic",
      "sns:Publish",
      "sns:Subscribe",
      "sqs:SendMessage",
      "sts:AssumeRole",
    ]);
  });

  test("makes and frees storage of workspaces by names that begin as the home's, and nothing that was brought along", async () => {
    const given = Object.entries(rightsOf(await template("api", "given")))
      .filter(([id]) => /^Api/.test(id))
      .flatMap(([, rights]) => rights.statements);
    const about = (of: readonly Statement[], actions: RegExp) =>
      of.filter(({ Action = [] }) => [Action].flat().some((action) => actions.test(action)));
    const makes = /:(?:Create(?:Bucket|Secret|Repository)|Delete(?:Bucket|Secret|Repository|ObjectVersion))$/;

    for (const { Resource } of about(given, makes))
      expect(JSON.stringify(Resource)).toMatch(new RegExp(`trainyard(?:${BUCKET_INFIX}|/${FOLDER}/)\\*`));
    expect(JSON.stringify(about(given, makes))).not.toContain("of-the-team");
    expect(JSON.stringify(about(given, /s3:PutObject$/))).toContain("arn:aws:s3:::of-the-team/ws/*");
    expect(about(statements, /kms:(?:CreateKey|ScheduleKeyDeletion)/).map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { "aws:RequestTag/trainyard:home": "trainyard" } },
      { StringEquals: { "aws:ResourceTag/trainyard:home": "trainyard" } },
    ]);
  });

  test("and to the home's own table, bucket, secret, log and queue only, to the one file that is the runner, the role that jobs are lent, timers and triggers, and logs of deployments", () => {
    const owned =
      /^(?:trainyard-data:ExportsOutput\w*(?:Table|Objects|VaultKey)|trainyard-events:ExportsOutputFnGetAtt(?:Queue|TimersRole)|ApiLog|JobRole|cdk-hnb659fds-assets.*[0-9a-f]{64}\.mjs)/;
    const ofWorkspaces =
      /trainyard(?:-ws-|\/workspaces\/)\*|kms|schedule\/trainyard\/\*|rule\/trainyard-trigger-\*|log-group:\/aws\/lambda\/trainyard-serve-\*|"sns:/;
    for (const { Action, Resource } of statements) {
      for (const resource of [Resource].flat()) {
        if (ofWorkspaces.test(JSON.stringify([Action, resource]))) continue;
        const [named = ""] =
          /trainyard-(?:data|events):ExportsOutput\w+|ApiLog\w+|JobRole\w+|cdk-hnb659fds-assets.*\.mjs/.exec(
            JSON.stringify(resource),
          ) ?? [];
        expect(named).toMatch(owned);
      }
    }
  });

  test("jobs are lent a role that the function alone takes on, for objects of workspaces", () => {
    const roles = api.findResources("AWS::IAM::Role", {
      Properties: {
        AssumeRolePolicyDocument: {
          Statement: [
            {
              Action: "sts:AssumeRole",
              Principal: { AWS: { "Fn::GetAtt": [Match.stringLikeRegexp("^ApiRole"), "Arn"] } },
            },
          ],
        },
      },
    });

    expect(Object.keys(roles)).toEqual([expect.stringMatching(/^JobRole/)]);
    const lent = statementsOf(/^JobRole/);
    expect(lent.map(({ Action }) => Action)).toEqual([["s3:GetObject", "s3:PutObject"], "s3:ListBucket"]);
    for (const resource of [lent[0]?.Resource].flat()) expect(JSON.stringify(resource)).toMatch(/\/ws\/\*"/);
  });

  test("lets through so many requests at once, and logs each, also those that it turns away", () => {
    api.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      StageName: "$default",
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
      AccessLogSettings: { Format: Match.stringLikeRegexp("requestId") },
    });
    api.resourcePropertiesCountIs("AWS::Logs::LogGroup", { RetentionInDays: 30 }, 2);
  });

  test.each(["api-errors", "api-throttles", "api-slow"])("has an alarm that leads to %s of the runbook", (anchor) => {
    const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");

    api.hasResourceProperties("AWS::CloudWatch::Alarm", {
      AlarmDescription: Match.stringLikeRegexp(`docs/runbook.md#${anchor}$`),
      TreatMissingData: "notBreaching",
    });
    expect(runbook).toContain(`## ${anchor}\n`);
  });

  test("tells whoever is named of each alarm, and has a dashboard where it is wanted", async () => {
    const given = await template("api", "given");

    api.resourceCountIs("AWS::CloudWatch::Dashboard", 1);
    (await template("api", "passing")).resourceCountIs("AWS::CloudWatch::Dashboard", 0);
    expect(
      Object.values(api.findResources("AWS::CloudWatch::Alarm", { Properties: { AlarmActions: Match.anyValue() } })),
    ).toEqual([]);
    given.allResourcesProperties("AWS::CloudWatch::Alarm", {
      AlarmActions: [{ "Fn::ImportValue": Match.stringLikeRegexp("Alarms") }],
    });
  });
});
