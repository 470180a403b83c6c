import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Stage } from "../config/stage.ts";
import type { DataStack } from "../stacks/data-stack.ts";
import { accept } from "./accept.ts";
import { bundle } from "./bundle.ts";

export interface HomeFunctionProps {
  readonly stage: Stage;
  /** File below `lambdas/`. */
  readonly entry: string;
  /** @default 1024 */
  readonly memorySize?: number;
  /** @default 29 seconds, what an HTTP API waits */
  readonly timeout?: Duration;
}

/** A TypeScript function on Node 24, bundled with what it imports. It may write its log and nothing else until it is granted something. */
export class HomeFunction extends Construct {
  readonly handler: LambdaFunction;

  constructor(scope: Construct, id: string, props: HomeFunctionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, "Log", {
      retention: props.stage.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(role);
    this.handler = new LambdaFunction(this, "Function", {
      code: bundle(this, props.entry),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySize ?? 1024,
      timeout: props.timeout ?? Duration.seconds(29),
      role,
      logGroup,
      environment: { STAGE: props.stage.name },
    });
  }

  /** Records, objects, the home's key: what composing a home takes. */
  grantHome(data: DataStack): void {
    this.grantRecords(data.table);
    this.grantObjects(data.objects);
    this.grantVaultKey(data);
  }

  /** Records, and the key of tokens: what telling who calls takes. Writes nothing. */
  grantReading(data: DataStack): void {
    this.handler.addEnvironment("TABLE_NAME", data.table.tableName);
    this.allow("dynamodb", ["BatchGetItem", "GetItem"], [data.table.tableArn]);
    this.allow("dynamodb", ["Query"], [data.table.tableArn, `${data.table.tableArn}/index/*`]);
    this.grantVaultKey(data);
  }

  /** Reads the key of vault and tokens, and uses the key that was brought along. */
  grantVaultKey({ vaultKey, key }: DataStack): void {
    this.handler.addEnvironment("VAULT_KEY_ARN", vaultKey.secretArn);
    this.allow("secretsmanager", ["GetSecretValue"], [vaultKey.secretArn]);
    if (key !== undefined) this.allow("kms", ["Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"], [key.keyArn]);
  }

  /** Does something more with exactly these resources. */
  allow(service: string, actions: readonly string[], resources: string[]): void {
    this.handler.addToRolePolicy(
      new PolicyStatement({ actions: actions.map((action) => `${service}:${action}`), resources }),
    );
  }

  /** Reads and writes records; no scans, nothing about the table itself. */
  private grantRecords(table: TableV2): void {
    this.handler.addEnvironment("TABLE_NAME", table.tableName);
    this.allow(
      "dynamodb",
      ["BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"],
      [table.tableArn],
    );
    this.allow("dynamodb", ["Query"], [table.tableArn, `${table.tableArn}/index/*`]);
  }

  /** Reads, writes, lists and deletes objects, but no older versions of them. */
  private grantObjects(bucket: Bucket): void {
    this.handler.addEnvironment("BUCKET_NAME", bucket.bucketName);
    const actions = ["AbortMultipartUpload", "DeleteObject", "GetObject", "PutObject"];
    this.allow("s3", actions, [bucket.arnForObjects("*")]);
    // Without it an absent object could not be told from a forbidden one.
    this.allow("s3", ["ListBucket"], [bucket.bucketArn]);
    accept(this, {
      "AwsSolutions-IAM5": "`/index/*` are the table's own indexes, `/*` the objects of the home's own bucket",
    });
  }
}
