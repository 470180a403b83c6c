import { Match } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { template } from "./templates.ts";

const edge = await template("edge");

interface Distribution {
  readonly DefaultCacheBehavior: { readonly TargetOriginId: string };
  readonly CacheBehaviors: readonly { readonly PathPattern: string; readonly TargetOriginId: string }[];
  readonly Origins: readonly { readonly Id: string; readonly OriginAccessControlId?: unknown }[];
}

test("every path leads to the API, and none to the bucket: only the function chooses it, by the name it knows", () => {
  const [{ Properties } = { Properties: {} }] = Object.values(edge.findResources("AWS::CloudFront::Distribution"));
  const { DefaultCacheBehavior, CacheBehaviors, Origins } = Properties.DistributionConfig as Distribution;
  const [api, bucket] = Origins;

  expect(DefaultCacheBehavior.TargetOriginId).toBe(api?.Id);
  expect(CacheBehaviors).toMatchObject([
    {
      PathPattern: "*/mlflow-artifacts/artifacts/*",
      TargetOriginId: api?.Id,
      FunctionAssociations: [{ EventType: "viewer-request" }],
      ViewerProtocolPolicy: "https-only",
    },
  ]);
  expect(Origins).toHaveLength(2);
  expect(bucket).toMatchObject({ Id: "bucket", OriginAccessControlId: expect.anything() });
  edge.hasResourceProperties("AWS::CloudFront::Function", {
    AutoPublish: true,
    FunctionCode: Match.stringLikeRegexp('selectRequestOriginById\\("bucket"\\)'),
    FunctionConfig: { Runtime: "cloudfront-js-2.0", KeyValueStoreAssociations: [Match.anyValue()] },
  });
  edge.hasResourceProperties("AWS::CloudFront::OriginAccessControl", {
    OriginAccessControlConfig: {
      SigningBehavior: "always",
      SigningProtocol: "sigv4",
      OriginAccessControlOriginType: "s3",
    },
  });
});

test("what was uploaded is no page of the home's", () => {
  edge.hasResourceProperties("AWS::CloudFront::ResponseHeadersPolicy", {
    ResponseHeadersPolicyConfig: {
      CustomHeadersConfig: { Items: [{ Header: "content-disposition", Value: "attachment", Override: true }] },
      SecurityHeadersConfig: {
        ContentSecurityPolicy: { ContentSecurityPolicy: "sandbox; default-src 'none'", Override: true },
        ContentTypeOptions: { Override: true },
      },
    },
  });
});

test("the bucket lets distributions of this account at artifacts, and at nothing else", async () => {
  const data = await template("data");

  data.hasResourceProperties("AWS::S3::BucketPolicy", {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Action: ["s3:GetObject", "s3:PutObject"],
          Principal: { Service: "cloudfront.amazonaws.com" },
          Resource: { "Fn::Join": ["", [Match.anyValue(), "/ws/*/artifacts/*"]] },
          Condition: {
            ArnLike: {
              "aws:SourceArn": { "Fn::Join": ["", Match.arrayWith([":cloudfront::111122223333:distribution/*"])] },
            },
          },
        }),
      ]),
    },
  });
});

test("hears of every change that takes rights away, and of files that are not in the home's bucket, from the beginning", () => {
  const filters = Object.values(edge.findResources("AWS::Lambda::EventSourceMapping")).flatMap(
    ({ Properties }) => Properties.FilterCriteria.Filters as { Pattern: string }[],
  );

  const heard = filters.map(({ Pattern }) => {
    const [[image = "", { type }] = ["", { type: { S: [""] } }]] = Object.entries<{ type: { S: string[] } }>(
      JSON.parse(Pattern).dynamodb,
    );
    return `${image} ${type.S}`;
  });
  expect(heard).toEqual([
    "OldImage membership",
    "OldImage role",
    "OldImage token",
    "OldImage workspace-storage",
    "NewImage workspace-storage",
  ]);
});
