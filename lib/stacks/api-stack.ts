import { fileURLToPath } from "node:url";
import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Architecture, Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, OutputFormat } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";

export interface ApiStackProps extends StackProps {
  readonly table: TableV2;
  readonly objects: Bucket;
  readonly vaultKey: Secret;
}

/** The HTTP API: one function behind an HTTP API. Authentication is in the function, on every route but health, version and the document. */
export class ApiStack extends Stack {
  readonly url: string;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    const handler = new NodejsFunction(this, "Api", {
      entry: fileURLToPath(new URL("../../lambdas/api.ts", import.meta.url)),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      timeout: Duration.seconds(29),
      logGroup: new LogGroup(this, "ApiLog", { retention: RetentionDays.ONE_MONTH }),
      environment: {
        TABLE_NAME: props.table.tableName,
        BUCKET_NAME: props.objects.bucketName,
        VAULT_KEY_ARN: props.vaultKey.secretArn,
        NODE_OPTIONS: "--enable-source-maps",
      },
      // The SDK travels with the code: what was tested is what runs.
      bundling: {
        format: OutputFormat.ESM,
        target: "node24",
        minify: true,
        sourceMap: true,
        sourcesContent: false,
        bundleAwsSDK: true,
        banner: REQUIRE,
      },
    });
    props.table.grantReadWriteData(handler);
    props.objects.grantReadWrite(handler);
    props.vaultKey.grantRead(handler);

    const api = new HttpApi(this, "HttpApi", {
      defaultIntegration: new HttpLambdaIntegration("ApiIntegration", handler),
    });
    this.url = api.apiEndpoint;
    new CfnOutput(this, "Url", {
      value: this.url,
      description: "Address of the API; MLflow clients use URL/w/default",
    });
  }
}

/** CommonJS packages inside an ES module bundle still call `require`. */
const REQUIRE = 'import{createRequire as __r}from"node:module";const require=__r(import.meta.url);';
