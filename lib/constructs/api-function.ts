import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Architecture, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { bundle } from "./bundle.ts";

/** A TypeScript function on Node 24, bundled with what it imports; it may do nothing until it is granted something. */
export class ApiFunction extends Construct {
  readonly handler: LambdaFunction;

  constructor(scope: Construct, id: string, props: { readonly entry: string }) {
    super(scope, id);
    this.handler = new LambdaFunction(this, "Function", {
      code: bundle(this, props.entry),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      timeout: Duration.seconds(29),
      logGroup: new LogGroup(this, "Log", {
        retention: RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      environment: { NODE_OPTIONS: "--enable-source-maps" },
    });
  }

  /** Reads and writes records; no scans, nothing about the table itself. */
  grantRecords(table: TableV2): void {
    this.handler.addEnvironment("TABLE_NAME", table.tableName);
    this.allow(["BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"], "dynamodb", [
      table.tableArn,
    ]);
    this.allow(["Query"], "dynamodb", [table.tableArn, `${table.tableArn}/index/*`]);
  }

  /** Reads, writes, lists and deletes objects, but no older versions of them. */
  grantObjects(bucket: Bucket): void {
    this.handler.addEnvironment("BUCKET_NAME", bucket.bucketName);
    this.allow(["AbortMultipartUpload", "DeleteObject", "GetObject", "PutObject"], "s3", [bucket.arnForObjects("*")]);
    // Without it an absent object could not be told from a forbidden one.
    this.allow(["ListBucket"], "s3", [bucket.bucketArn]);
  }

  /** Reads the key of vault and tokens. */
  grantVaultKey(secret: Secret): void {
    this.handler.addEnvironment("VAULT_KEY_ARN", secret.secretArn);
    this.allow(["GetSecretValue"], "secretsmanager", [secret.secretArn]);
  }

  private allow(actions: readonly string[], service: string, resources: string[]): void {
    this.handler.addToRolePolicy(
      new PolicyStatement({ actions: actions.map((action) => `${service}:${action}`), resources }),
    );
  }
}
