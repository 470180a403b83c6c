import { CfnOutput, Stack } from "aws-cdk-lib";
import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { Construct } from "constructs";
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

    const http = new HttpApi(this, "HttpApi", {
      defaultIntegration: new HttpLambdaIntegration("ApiIntegration", api.handler),
    });
    this.url = http.apiEndpoint;
    api.handler.addEnvironment("API_URL", this.url);
    new CfnOutput(this, "Url", {
      value: this.url,
      description: "Address of the API; MLflow clients use URL/w/default",
    });
  }
}
