import { CfnOutput, Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccountRecovery, Mfa, OAuthScope, UserPool } from "aws-cdk-lib/aws-cognito";
import type { Construct } from "constructs";
import { SIGN_IN_PATH, SIGN_IN_PORT } from "../../src/contract/version.ts";
import type { SignIn } from "../config/stage.ts";
import { accept } from "../constructs/accept.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

/** People of a home of its own: a user pool that only administrators add to. Free up to 10,000 active people a month. */
export class SignInStack extends Stack {
  readonly signIn: SignIn;

  constructor(scope: Construct, id: string, props: HomeStackProps) {
    super(scope, id, props);
    const pool = new UserPool(this, "People", {
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      signInCaseSensitive: false,
      autoVerify: { email: true },
      standardAttributes: { email: { required: true, mutable: true } },
      mfa: props.stage.mfa === "required" ? Mfa.REQUIRED : Mfa.OPTIONAL,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: { minLength: 12, tempPasswordValidity: Duration.days(7) },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      deletionProtection: props.stage.retain,
      removalPolicy: props.stage.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    accept(pool, {
      "AwsSolutions-COG1": "12 characters; NIST SP 800-63B advises length, and against rules on what they are",
      "AwsSolutions-COG2": "a setting of the stage, `mfa`; every person can have a second factor",
      "AwsSolutions-COG8": "the Plus plan is billed by the active person; self sign-up is off",
    });
    pool.addDomain("Domain", { cognitoDomain: { domainPrefix: `${props.stage.name}-${this.account}-${this.region}` } });
    const client = pool.addClient("Cli", {
      // A program on people's machines keeps no secret; PKCE stands in for it.
      generateSecret: false,
      authFlows: { userSrp: true },
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID, OAuthScope.EMAIL, OAuthScope.PROFILE],
        callbackUrls: [`http://localhost:${SIGN_IN_PORT}${SIGN_IN_PATH}`],
      },
      preventUserExistenceErrors: true,
      idTokenValidity: Duration.hours(1),
    });
    const issuer = `https://cognito-idp.${this.region}.${this.urlSuffix}/${pool.userPoolId}`;
    this.signIn = { issuer, clientId: client.userPoolClientId };
    new CfnOutput(this, "UserPoolId", {
      value: pool.userPoolId,
      description: "People are added with `aws cognito-idp admin-create-user --user-pool-id ID --username EMAIL`",
    });
  }
}
