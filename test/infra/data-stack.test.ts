import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { TABLE } from "../../src/store/facts/table.ts";
import { resourcesOf, template, templates } from "./templates.ts";

const data = await template("data");

describe("the data stack", () => {
  test("keeps what is stateful under the ids it has always had", () => {
    const stateful = Object.entries(resourcesOf(data)).filter(([, { Type }]) =>
      /DynamoDB|S3::Bucket$|Secret/.test(Type),
    );

    // A changed id is a new, empty resource in every deployed home: never change these.
    expect(Object.fromEntries(stateful.map(([id, { Type }]) => [id, Type]))).toEqual({
      TableCD117FA1: "AWS::DynamoDB::GlobalTable",
      AccessLogs8B620ECA: "AWS::S3::Bucket",
      ObjectsA92BA4F1: "AWS::S3::Bucket",
      VaultKey6B75F33E: "AWS::SecretsManager::Secret",
    });
    for (const type of ["AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"]) {
      data.allResources(type, { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    }
  });

  test("has the table that the adapters run: keys, indexes, expiry", () => {
    const indexes = Object.entries(TABLE.indexes);
    const keys = (pk: string, sk: string) => [
      { AttributeName: pk, KeyType: "HASH" },
      { AttributeName: sk, KeyType: "RANGE" },
    ];

    data.hasResourceProperties("AWS::DynamoDB::GlobalTable", {
      KeySchema: keys(TABLE.pk, TABLE.sk),
      GlobalSecondaryIndexes: indexes.map(([IndexName, { pk, sk }]) =>
        Match.objectLike({ IndexName, KeySchema: keys(pk, sk), Projection: { ProjectionType: "ALL" } }),
      ),
      TimeToLiveSpecification: { AttributeName: TABLE.ttl, Enabled: true },
      BillingMode: "PAY_PER_REQUEST",
      StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
    });
  });

  test("protects the table from deletion and lets it go back in time", () => {
    data.hasResourceProperties("AWS::DynamoDB::GlobalTable", {
      Replicas: [
        Match.objectLike({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        }),
      ],
    });
  });

  test("a stage that is not to be kept can be destroyed whole", async () => {
    const passing = await template("data", "passing");

    passing.hasResourceProperties("AWS::DynamoDB::GlobalTable", {
      Replicas: [Match.objectLike({ DeletionProtectionEnabled: false })],
    });
    passing.allResources("AWS::DynamoDB::GlobalTable", { DeletionPolicy: "Delete" });
  });

  test("shows the bucket to nobody, and to its own only over TLS", () => {
    data.hasResourceProperties("AWS::S3::Bucket", {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      BucketEncryption: Match.objectLike({ ServerSideEncryptionConfiguration: Match.anyValue() }),
      VersioningConfiguration: { Status: "Enabled" },
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: "Enabled" }),
        ]),
      },
    });
    data.hasResourceProperties("AWS::S3::BucketPolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Deny",
            Action: "s3:*",
            Principal: { AWS: "*" },
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          }),
        ]),
      },
    });
  });

  test("has one secret, made by the service, long enough to derive keys from", () => {
    data.resourceCountIs("AWS::SecretsManager::Secret", 1);
    data.hasResourceProperties("AWS::SecretsManager::Secret", {
      GenerateSecretString: Match.objectLike({ PasswordLength: 64 }),
    });
  });

  test("moves what lies long to colder storage, drops what nobody can read, and logs who reads", () => {
    data.hasResourceProperties("AWS::S3::Bucket", {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({
            ObjectSizeGreaterThan: 131072,
            Transitions: [{ StorageClass: "INTELLIGENT_TIERING", TransitionInDays: 30 }],
          }),
          Match.objectLike({ NoncurrentVersionExpiration: { NoncurrentDays: 30 }, ExpiredObjectDeleteMarker: true }),
        ]),
      },
      LoggingConfiguration: { DestinationBucketName: { Ref: Match.stringLikeRegexp("AccessLogs") } },
      CorsConfiguration: {
        CorsRules: [
          Match.objectLike({ AllowedMethods: ["GET", "HEAD", "PUT"], ExposedHeaders: Match.arrayWith(["ETag"]) }),
        ],
      },
    });
  });

  test("uses the key that was brought along for the table, the bucket and the secret", async () => {
    const given = await template("data", "given");
    const key = Match.stringLikeRegexp(":key/6b0b7e7e");

    given.resourceCountIs("AWS::KMS::Key", 0);
    given.hasResourceProperties("AWS::DynamoDB::GlobalTable", {
      Replicas: [Match.objectLike({ SSESpecification: { KMSMasterKeyId: key } })],
    });
    given.hasResourceProperties("AWS::S3::Bucket", {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { KMSMasterKeyID: key, SSEAlgorithm: "aws:kms" } },
        ],
      },
    });
    given.hasResourceProperties("AWS::SecretsManager::Secret", { KmsKeyId: key });
  });

  test("bounds every role where a boundary was brought along", async () => {
    for (const stack of Object.values(await templates("given"))) {
      const roles = Object.values(stack.findResources("AWS::IAM::Role"));
      for (const { Properties } of roles)
        expect(Properties).toHaveProperty("PermissionsBoundary", expect.stringMatching(/policy\/bounds$/));
    }
  });
});
