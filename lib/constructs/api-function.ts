import { fileURLToPath } from "node:url";
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Architecture, Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";

/** A TypeScript function on Node 24, bundled with what it imports; it may do nothing until it is granted something. */
export class ApiFunction extends Construct {
  readonly handler: NodejsFunction;

  constructor(scope: Construct, id: string, props: { readonly entry: string }) {
    super(scope, id);
    this.handler = new NodejsFunction(this, "Function", {
      entry: fileURLToPath(new URL(`../../lambdas/${props.entry}`, import.meta.url)),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      timeout: Duration.seconds(29),
      logGroup: new LogGroup(this, "Log", {
        retention: RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      environment: { NODE_OPTIONS: "--enable-source-maps" },
      bundling: {
        format: OutputFormat.ESM,
        target: "node24",
        minify: true,
        sourceMap: true,
        sourcesContent: false,
        // The SDK travels with the code: what was tested is what runs.
        bundleAwsSDK: true,
        // Optional native parts of ssh2; it works without.
        externalModules: ["cpu-features"],
        loader: { ".node": "empty" },
        banner: REQUIRE,
      },
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

/** CommonJS packages inside an ES module bundle still call `require`. */
const REQUIRE = 'import{createRequire as __r}from"node:module";const require=__r(import.meta.url);';
