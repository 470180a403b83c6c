import { CfnOutput, Stack } from "aws-cdk-lib";
import { HttpApi, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { Construct } from "constructs";
import * as routes from "../../src/contract/routes/index.ts";
import type { SignIn } from "../config/stage.ts";
import { ApiFunction } from "../constructs/api-function.ts";
import type { DataStack } from "./data-stack.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

export interface ApiStackProps extends HomeStackProps {
  readonly data: DataStack;
  readonly signIn: SignIn;
}

/** The HTTP API: one function behind an HTTP API. Authentication is in the function, on every route but health, version and the document. */
export class ApiStack extends Stack {
  readonly url: string;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    const api = new ApiFunction(this, "Api", { entry: "api.ts" });
    api.grantRecords(props.data.table);
    api.grantObjects(props.data.objects);
    api.grantVaultKey(props.data.vaultKey);
    api.handler.addEnvironment("OIDC_ISSUER", props.signIn.issuer);
    api.handler.addEnvironment("OIDC_CLIENT_ID", props.signIn.clientId);

    const integration = new HttpLambdaIntegration("ApiIntegration", api.handler);
    const http = new HttpApi(this, "HttpApi", { defaultIntegration: integration });
    addIamRoutes(http, integration);
    this.url = http.apiEndpoint;
    api.handler.addEnvironment("API_URL", this.url);
    new CfnOutput(this, "Url", {
      value: this.url,
      description: "Address of the API; MLflow clients use URL/w/default",
    });
  }
}

/** The addresses where the gateway checks AWS signatures and tells the function who has signed. */
function addIamRoutes(http: HttpApi, integration: HttpLambdaIntegration): void {
  const authorizer = new HttpIamAuthorizer();
  for (const { path } of Object.values(routes.iam).filter(({ access }) => access === "iam")) {
    http.addRoutes({ path, methods: [HttpMethod.POST], integration, authorizer });
  }
}
