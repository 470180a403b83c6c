import { Stack } from "aws-cdk-lib";
import { ArnPrincipal, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { Stage } from "../config/stage.ts";
import type { DataStack } from "../stacks/data-stack.ts";
import { accept } from "./accept.ts";
import type { HomeFunction } from "./home-function.ts";
import { workspaceResources } from "./workspace-storage.ts";

/** What commands of jobs are lent, a part each: the function takes it on with a policy of one run's prefixes. */
export class JobRole extends Construct {
  private readonly role: Role;
  private readonly keyArn: string | undefined;

  /** `lender`: the one function that may take it on. */
  constructor(
    scope: Construct,
    id: string,
    { stage, data, lender }: { stage: Stage; data: DataStack; lender: HomeFunction },
  ) {
    super(scope, id);
    this.keyArn = data.key?.keyArn;
    this.role = new Role(this, "Role", { assumedBy: new ArnPrincipal(lender.handler.role?.roleArn ?? "") });
    const { objects } = data;
    const { buckets, keys } = workspaceResources(Stack.of(this), stage);
    this.allow(
      "s3",
      ["GetObject", "PutObject"],
      [objects.arnForObjects("ws/*"), ...buckets.map((arn) => `${arn}/ws/*`)],
    );
    this.allow("s3", ["ListBucket"], [objects.bucketArn, ...buckets]);
    const used = [...(this.keyArn === undefined ? [] : [this.keyArn]), ...keys];
    if (used.length > 0) this.allow("kms", ["Decrypt", "GenerateDataKey"], used);
    accept(this, {
      "AwsSolutions-IAM5":
        "`ws/*` are the objects of workspaces, also in buckets of their own; each session is narrowed to one run's prefixes",
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

  private allow(service: string, actions: readonly string[], resources: string[]): void {
    this.role.addToPolicy(new PolicyStatement({ actions: actions.map((action) => `${service}:${action}`), resources }));
  }
}
