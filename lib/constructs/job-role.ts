import { Stack } from "aws-cdk-lib";
import { ArnPrincipal, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { DataStack } from "../stacks/data-stack.ts";
import { accept } from "./accept.ts";
import type { HomeFunction } from "./home-function.ts";

/** What commands of jobs are lent, a part each: the function takes it on with a policy of one run's prefixes. */
export class JobRole extends Construct {
  private readonly role: Role;
  private readonly keyArn: string | undefined;

  /** `lender`: the one function that may take it on. */
  constructor(scope: Construct, id: string, { data, lender }: { data: DataStack; lender: HomeFunction }) {
    super(scope, id);
    this.keyArn = data.key?.keyArn;
    this.role = new Role(this, "Role", { assumedBy: new ArnPrincipal(lender.handler.role?.roleArn ?? "") });
    const { objects } = data;
    this.allow("s3", ["GetObject", "PutObject"], objects.arnForObjects("ws/*"));
    this.allow("s3", ["ListBucket"], objects.bucketArn);
    if (this.keyArn !== undefined) this.allow("kms", ["Decrypt", "GenerateDataKey"], this.keyArn);
    accept(this, {
      "AwsSolutions-IAM5": "`ws/*` are the objects of workspaces; each session is narrowed to one run's prefixes",
    });
    this.letLend(lender);
  }

  private letLend(lender: HomeFunction): void {
    const { roleArn } = this.role;
    const { keyArn } = this;
    const settings = { roleArn, ...(keyArn === undefined ? {} : { keyArn }) };
    lender.handler.addEnvironment("LENDING", Stack.of(this).toJsonString(settings));
    lender.allow("sts", ["AssumeRole"], [roleArn]);
  }

  private allow(service: string, actions: readonly string[], resource: string): void {
    this.role.addToPolicy(
      new PolicyStatement({ actions: actions.map((action) => `${service}:${action}`), resources: [resource] }),
    );
  }
}
