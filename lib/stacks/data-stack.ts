import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AttributeType, Billing, ProjectionType, StreamViewType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership, StorageClass } from "aws-cdk-lib/aws-s3";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { TABLE } from "../../src/store/facts/table.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

/** All that must not be lost: records, bytes, and the key of the vault. Costs nothing but the bytes stored while idle, and 0.40 USD for the secret. */
export class DataStack extends Stack {
  readonly table: TableV2;
  readonly objects: Bucket;
  readonly vaultKey: Secret;

  constructor(scope: Construct, id: string, props: HomeStackProps) {
    super(scope, id, props);
    const removalPolicy = props.stage.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const text = (name: string) => ({ name, type: AttributeType.STRING });

    this.table = new TableV2(this, "Table", {
      partitionKey: text(TABLE.pk),
      sortKey: text(TABLE.sk),
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: props.stage.retain,
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

    this.objects = new Bucket(this, "Objects", {
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy,
      lifecycleRules: [
        { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(7) },
        {
          id: "colder",
          transitions: [{ storageClass: StorageClass.INTELLIGENT_TIERING, transitionAfter: Duration.days(30) }],
          noncurrentVersionExpiration: Duration.days(30),
        },
      ],
    });

    this.vaultKey = new Secret(this, "VaultKey", {
      description: "Key that signs tokens and encrypts the secrets kept in the table",
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy,
    });
  }
}
