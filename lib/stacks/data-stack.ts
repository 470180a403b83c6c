import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import {
  AttributeType,
  Billing,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
} from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { type IKey, Key } from "aws-cdk-lib/aws-kms";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  HttpMethods,
  ObjectOwnership,
  StorageClass,
} from "aws-cdk-lib/aws-s3";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { TABLE } from "../../src/store/facts/table.ts";
import type { Stage } from "../config/stage.ts";
import { accept } from "../constructs/accept.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

/** Smaller objects are never moved by the tiering class, and are billed for it all the same. */
const TIERED_FROM_BYTES = 128 * 1024;
const ACCESS_LOG_DAYS = 90;
const CLOSED: BucketProps = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  enforceSSL: true,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
};
const UNFINISHED = { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(7) };

/** All that must not be lost: records, bytes, and the key of the vault. Costs nothing but the bytes stored while idle, and 0.40 USD for the secret. */
export class DataStack extends Stack {
  readonly table: TableV2;
  readonly objects: Bucket;
  readonly vaultKey: Secret;
  /** The key that was asked for; absent: keys that AWS owns. */
  readonly key: IKey | undefined;
  /** Whoever is told about alarms. */
  readonly alarms: Topic | undefined;

  constructor(scope: Construct, id: string, props: HomeStackProps) {
    super(scope, id, props);
    const { stage } = props;
    const removalPolicy = stage.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    this.key = this.makeKey(stage, removalPolicy);
    this.table = this.makeTable(stage, removalPolicy);
    this.objects = this.makeObjects(stage, removalPolicy);
    if (stage.edge) this.letEdgeIn();
    this.vaultKey = this.makeVaultKey(removalPolicy);
    this.alarms = this.makeAlarms(stage);
  }

  private makeKey({ kmsKey }: Stage, removalPolicy: RemovalPolicy): IKey | undefined {
    if (kmsKey === undefined) return undefined;
    if (kmsKey !== "new") return Key.fromKeyArn(this, "Key", kmsKey);
    return new Key(this, "Key", { enableKeyRotation: true, removalPolicy, description: "Table, buckets and secret" });
  }

  private makeTable({ retain }: Stage, removalPolicy: RemovalPolicy): TableV2 {
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    return new TableV2(this, "Table", {
      partitionKey: text(TABLE.pk),
      sortKey: text(TABLE.sk),
      billing: Billing.onDemand(),
      encryption:
        this.key === undefined ? TableEncryptionV2.dynamoOwnedKey() : TableEncryptionV2.customerManagedKey(this.key),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: retain,
      timeToLiveAttribute: TABLE.ttl,
      dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES,
      removalPolicy,
      globalSecondaryIndexes: Object.entries(TABLE.indexes).map(([indexName, keys]) => ({
        indexName,
        partitionKey: text(keys.pk),
        sortKey: text(keys.sk),
        projectionType: ProjectionType.ALL,
      })),
    });
  }

  private makeObjects({ studioOrigins, retain }: Stage, removalPolicy: RemovalPolicy): Bucket {
    const objects = new Bucket(this, "Objects", {
      ...CLOSED,
      removalPolicy,
      versioned: true,
      ...(this.key === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: this.key, bucketKeyEnabled: true }),
      ...(retain ? { serverAccessLogsBucket: this.makeAccessLogs(), serverAccessLogsPrefix: "objects/" } : {}),
      cors: studioOrigins.length === 0 ? [] : [corsRule(studioOrigins)],
      lifecycleRules: [
        UNFINISHED,
        // What images are built from, while they are built (src/adapters/aws/images/builder.ts).
        { id: "build-contexts", prefix: "images/", expiration: Duration.days(7) },
        {
          id: "colder",
          objectSizeGreaterThan: TIERED_FROM_BYTES,
          transitions: [{ storageClass: StorageClass.INTELLIGENT_TIERING, transitionAfter: Duration.days(30) }],
        },
        {
          id: "older-versions",
          noncurrentVersionExpiration: Duration.days(30),
          expiredObjectDeleteMarker: true,
        },
      ],
    });
    if (!retain)
      accept(objects, { "AwsSolutions-S1": "logs come hours late, and would hold up a home that is to go whole" });
    return objects;
  }

  private makeAccessLogs(): Bucket {
    const accessLogs = new Bucket(this, "AccessLogs", {
      ...CLOSED,
      removalPolicy: RemovalPolicy.RETAIN,
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [UNFINISHED, { id: "expire", expiration: Duration.days(ACCESS_LOG_DAYS) }],
    });
    accept(accessLogs, { "AwsSolutions-S1": "it is where access is logged; logging it into itself would never end" });
    return accessLogs;
  }

  /** Distributions of this account read and write artifacts, each request as its function allows (lambdas/edge/artifacts.js). */
  private letEdgeIn(): void {
    const distributions = this.formatArn({
      service: "cloudfront",
      region: "",
      resource: "distribution",
      resourceName: "*",
    });
    const edge = {
      principals: [new ServicePrincipal("cloudfront.amazonaws.com")],
      conditions: { ArnLike: { "aws:SourceArn": distributions } },
    };
    const allow = (
      grantee: { addToResourcePolicy(statement: PolicyStatement): unknown },
      actions: string[],
      resources: string[],
    ) => grantee.addToResourcePolicy(new PolicyStatement({ ...edge, actions, resources }));
    allow(this.objects, ["s3:GetObject", "s3:PutObject"], [this.objects.arnForObjects("ws/*/artifacts/*")]);
    // Without it an absent object could not be told from a forbidden one.
    allow(this.objects, ["s3:ListBucket"], [this.objects.bucketArn]);
    if (this.key !== undefined) allow(this.key, ["kms:Decrypt", "kms:GenerateDataKey"], ["*"]);
  }

  private makeVaultKey(removalPolicy: RemovalPolicy): Secret {
    const secret = new Secret(this, "VaultKey", {
      description: "Key that signs tokens and encrypts the secrets kept in the table",
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy,
      ...(this.key === undefined ? {} : { encryptionKey: this.key }),
    });
    accept(secret, {
      "AwsSolutions-SMG4": "another value would end every token and make every stored secret unreadable",
    });
    return secret;
  }

  private makeAlarms({ name, alarmEmail }: Stage): Topic | undefined {
    if (alarmEmail === undefined) return undefined;
    const topic = new Topic(this, "Alarms", { displayName: `Trainyard ${name}`, enforceSSL: true });
    topic.addSubscription(new EmailSubscription(alarmEmail));
    return topic;
  }
}

/** What a page needs to read ranges and to send parts by signed addresses. */
function corsRule(origins: readonly string[]) {
  return {
    allowedOrigins: [...origins],
    allowedMethods: [HttpMethods.GET, HttpMethods.HEAD, HttpMethods.PUT],
    allowedHeaders: ["*"],
    exposedHeaders: ["ETag", "Content-Range", "Content-Length"],
    maxAge: 3600,
  };
}
