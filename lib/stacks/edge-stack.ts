import { fileURLToPath } from "node:url";
import { CfnOutput, CustomResource, Duration, Fn, Stack } from "aws-cdk-lib";
import {
  AllowedMethods,
  type BehaviorOptions,
  CachePolicy,
  type CfnDistribution,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  KeyValueStore,
  OriginRequestPolicy,
  ResponseHeadersPolicy,
  S3OriginAccessControl,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { FilterCriteria, FilterRule, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { DynamoEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Construct } from "constructs";
import { accept } from "../constructs/accept.ts";
import { addAlarm } from "../constructs/alarm.ts";
import { HomeFunction } from "../constructs/home-function.ts";
import type { DataStack } from "./data-stack.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

export interface EdgeStackProps extends HomeStackProps {
  readonly data: DataStack;
  readonly apiUrl: string;
}

const CODE = fileURLToPath(new URL("../../lambdas/edge/artifacts.js", import.meta.url));
/** Items of the table that say who may do what. */
const ACCESS_ITEMS = ["membership", "role", "token"];
/** Items that say that a workspace's files are not in the home's bucket. */
const STORAGE_ITEM = "workspace-storage";

/**
 * An address in front of the API under which an unmodified MLflow client sends and fetches files of any size: what its token clearly allows goes to the bucket, past the API's limit of 6 MB.
 * Costs nothing while nobody calls. Signed AWS requests (`yard login --iam`) go to the API's own address.
 */
export class EdgeStack extends Stack {
  constructor(scope: Construct, id: string, props: EdgeStackProps) {
    super(scope, id, props);
    const store = new KeyValueStore(this, "Trust", { comment: "Key of tokens, and who is not to be believed" });
    const distribution = this.makeDistribution(props, store);
    this.keepTrust(props, store);
    new CfnOutput(this, "Url", {
      value: `https://${distribution.domainName}`,
      description: "Address for MLflow clients outside of AWS, with URL/w/default; takes files of any size",
    });
  }

  private makeDistribution({ stage, data, apiUrl }: EdgeStackProps, store: KeyValueStore): Distribution {
    const toApi: BehaviorOptions = {
      origin: new HttpOrigin(Fn.select(2, Fn.split("/", apiUrl))),
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
    };
    const choose = new EdgeFunction(this, "Artifacts", {
      code: FunctionCode.fromFile({ filePath: CODE }),
      runtime: FunctionRuntime.JS_2_0,
      keyValueStore: store,
      comment: "Sends files to the bucket that a token allows",
    });
    const distribution = new Distribution(this, "Edge", {
      comment: `Trainyard ${stage.name}`,
      defaultBehavior: toApi,
      additionalBehaviors: {
        "*/mlflow-artifacts/artifacts/*": {
          ...toApi,
          functionAssociations: [{ function: choose, eventType: FunctionEventType.VIEWER_REQUEST }],
          responseHeadersPolicy: this.makeHeaders(),
        },
      },
    });
    this.addBucket(distribution, data);
    accept(distribution, {
      "AwsSolutions-CFR1": "people may work from anywhere; every request needs a token",
      "AwsSolutions-CFR2": "a web ACL is 5 USD a month; the API throttles, and the bucket logs",
      "AwsSolutions-CFR3": "the API and the bucket behind it log what is asked of them",
      "AwsSolutions-CFR4": "the service's own name comes with its own certificate; a name of one's own with TLS 1.2",
    });
    return distribution;
  }

  /** What was uploaded is nobody's page: no browser runs it under the home's address. */
  private makeHeaders(): ResponseHeadersPolicy {
    return new ResponseHeadersPolicy(this, "Headers", {
      securityHeadersBehavior: {
        contentTypeOptions: { override: true },
        contentSecurityPolicy: { contentSecurityPolicy: "sandbox; default-src 'none'", override: true },
      },
      customHeadersBehavior: {
        customHeaders: [{ header: "content-disposition", value: "attachment", override: true }],
      },
    });
  }

  /** An origin of no path: only the function chooses it, by its name. */
  private addBucket(distribution: Distribution, { objects }: DataStack): void {
    const access = new S3OriginAccessControl(this, "Access");
    const l1 = distribution.node.defaultChild as CfnDistribution;
    l1.addPropertyOverride("DistributionConfig.Origins.1", {
      Id: "bucket",
      DomainName: objects.bucketRegionalDomainName,
      OriginAccessControlId: access.originAccessControlId,
      S3OriginConfig: { OriginAccessIdentity: "" },
    });
  }

  private keepTrust({ stage, data }: EdgeStackProps, store: KeyValueStore): void {
    const trust = new HomeFunction(this, "KeepTrust", { stage, entry: "edge-trust.ts", memorySize: 256 });
    trust.handler.addEnvironment("STORE_ARN", store.keyValueStoreArn);
    trust.allow("cloudfront-keyvaluestore", ["DescribeKeyValueStore", "UpdateKeys"], [store.keyValueStoreArn]);
    trust.grantVaultKey(data);
    // NOTE: a stream has room for two readers: this one and the worker stack's.
    // Tried until it is told, or the stream forgets it after a day: a change of rights is never left out.
    trust.handler.addEventSource(
      new DynamoEventSource(data.table, {
        startingPosition: StartingPosition.LATEST,
        batchSize: 25,
        filters: [
          ...[...ACCESS_ITEMS, STORAGE_ITEM].map((type) => changesOf("OldImage", type)),
          // Before its workspace is there.
          changesOf("NewImage", STORAGE_ITEM),
        ],
      }),
    );
    addAlarm(this, "TrustAlarm", {
      metric: trust.handler.metricErrors({ statistic: "Sum", period: Duration.minutes(5) }),
      threshold: 1,
      severity: "page",
      says: "The edge was not told of a change of rights; it goes by what tokens say.",
      runbook: "edge-trust",
      topic: data.alarms,
    });
    new CustomResource(this, "Key", {
      resourceType: "Custom::EdgeKey",
      serviceToken: trust.handler.functionArn,
      serviceTimeout: Duration.minutes(2),
    });
  }
}

function changesOf(image: "OldImage" | "NewImage", type: string): Record<string, unknown> {
  return FilterCriteria.filter({ dynamodb: { [image]: { type: { S: FilterRule.isEqual(type) } } } });
}
