import { CfnOutput, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import * as routes from "../../src/contract/routes/index.ts";
import type { SignIn, Stage } from "../config/stage.ts";
import { accept } from "../constructs/accept.ts";
import { ApiWatch } from "../constructs/api-watch.ts";
import { HomeFunction } from "../constructs/home-function.ts";
import { JobRole } from "../constructs/job-role.ts";
import { grantFreeStorage, grantMakeStorage, grantUseOfStorage } from "../constructs/workspace-storage.ts";
import type { DataStack } from "./data-stack.ts";
import type { EventsStack } from "./events-stack.ts";
import type { HomeStackProps } from "./home-stack-props.ts";
import type { ServingStack } from "./serving-stack.ts";
import type { TrainingStack } from "./training-stack.ts";

export interface ApiStackProps extends HomeStackProps {
  readonly data: DataStack;
  readonly signIn: SignIn;
  readonly events: EventsStack;
  readonly training: TrainingStack;
  readonly serving: ServingStack;
}

/** The HTTP API: one function behind an HTTP API. Authentication is in the function, on every route but health, version and the document. */
export class ApiStack extends Stack {
  readonly url: string;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    const { stage, data, signIn, events, training, serving } = props;
    const api = new HomeFunction(this, "Api", { stage, entry: "api.ts" });
    const { handler } = api;
    api.grantHome(data);
    events.grantSend(api);
    events.grantTune(api, data.objects);
    training.grantStart(api);
    serving.grantRead(api);
    grantUseOfStorage(api, stage);
    grantMakeStorage(api, stage);
    grantFreeStorage(api, stage);
    new JobRole(this, "Job", { stage, data, lender: api });
    handler.addEnvironment("OIDC_ISSUER", signIn.issuer);
    handler.addEnvironment("OIDC_CLIENT_ID", signIn.clientId);

    const integration = new HttpLambdaIntegration("ApiIntegration", handler);
    const http = new HttpApi(this, "HttpApi", { defaultIntegration: integration, createDefaultStage: false });
    addIamRoutes(http, integration);
    this.addStage(http, stage);
    this.url = http.apiEndpoint;
    handler.addEnvironment("API_URL", this.url);
    new ApiWatch(this, "Watch", { stage, api: http, handler, table: data.table, topic: data.alarms });
    new CfnOutput(this, "Url", {
      value: this.url,
      description: "Address of the API; MLflow clients use URL/w/default",
    });
  }

  private addStage(http: HttpApi, stage: Stage): void {
    // NOTE: below this prefix the service needs no resource policy of its own for each log, of which a region holds ten.
    const log = new LogGroup(this, "HttpLog", {
      logGroupName: `/aws/vendedlogs/trainyard/${stage.name}/http`,
      retention: stage.logDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new HttpStage(this, "HttpStage", {
      httpApi: http,
      autoDeploy: true,
      throttle: { rateLimit: stage.throttle.ratePerSec, burstLimit: stage.throttle.burst },
      accessLogSettings: { destination: new LogGroupLogDestination(log), format: ACCESS_LINE },
    });
    accept(http, { "AwsSolutions-APIG4": "the function itself authenticates: it knows runs' and people's tokens" });
  }
}

/** The addresses where the gateway checks AWS signatures and tells the function who has signed. */
function addIamRoutes(http: HttpApi, integration: HttpLambdaIntegration): void {
  const authorizer = new HttpIamAuthorizer();
  for (const { path } of Object.values(routes.iam).filter(({ access }) => access === "iam")) {
    http.addRoutes({ path, methods: [HttpMethod.POST], integration, authorizer });
  }
}

/** Also of what never reaches the function: requests that are throttled or malformed. */
const ACCESS_LINE = AccessLogFormat.custom(
  JSON.stringify({
    requestId: "$context.requestId",
    time: "$context.requestTimeEpoch",
    ip: "$context.identity.sourceIp",
    method: "$context.httpMethod",
    path: "$context.path",
    status: "$context.status",
    ms: "$context.responseLatency",
    error: "$context.error.message",
  }),
);
