import { type AwsApi, AwsRefusal, tag } from "./aws-api.ts";
import { bad, clockFinding, type Finding, look, ok, warning } from "./finding.ts";

/** Service quotas that bound what runs at once: [service, code, what it bounds, below which it hinders]. */
const QUOTAS: readonly (readonly [service: string, code: string, what: string, least: number])[] = [
  ["ec2", "L-1216C47A", "vCPUs of CPU machines (A, C, D, H, I, M, R, T, Z), on demand", 8],
  ["ec2", "L-34B43A08", "vCPUs of CPU machines, spot", 8],
  ["ec2", "L-DB2E81BA", "vCPUs of G and VT machines (T4, A10G, L4), on demand", 4],
  ["ec2", "L-3819A6DF", "vCPUs of G and VT machines, spot", 4],
  ["ec2", "L-417A185B", "vCPUs of P machines (V100, A100, H100), on demand", 0],
  ["ec2", "L-7212CCBC", "vCPUs of P machines, spot", 0],
  ["fargate", "L-3032A538", "vCPUs of Fargate, on demand", 4],
  ["lambda", "L-B99A9384", "functions at once", 50],
];

/** Services that a home is made of, as the public list of regions names them. */
const SERVICES = [
  "apigateway",
  "batch",
  "codebuild",
  "cognito-idp",
  "dynamodb",
  "ecr",
  "events",
  "lambda",
  "s3",
  "sqs",
];

/** Roles that services make for themselves with their first use, where the caller may let them. */
const LINKED_ROLES = [
  ["AWSServiceRoleForBatch", "batch.amazonaws.com"],
  ["AWSServiceRoleForECS", "ecs.amazonaws.com"],
  ["AWSServiceRoleForEC2Spot", "spot.amazonaws.com"],
] as const;

/** What `cdk deploy` needs to be there. */
const BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version";

/** Whether an account and a region can take a home, and what jobs will wait for. */
export async function lookAtAccount(aws: AwsApi, region: string, nowMs: () => number): Promise<Finding[]> {
  const [identity, ...rest] = await lookAtIdentity(aws, nowMs);
  if (identity === undefined || identity.verdict === "bad") return identity === undefined ? [] : [identity];
  return [
    identity,
    ...rest,
    ...(await Promise.all([
      lookAtRegion(aws, region),
      lookAtBootstrap(aws, region),
      ...LINKED_ROLES.map(([role, service]) => lookAtRole(aws, role, service)),
      ...QUOTAS.map((quota) => lookAtQuota(aws, quota)),
    ])),
  ];
}

async function lookAtIdentity(aws: AwsApi, nowMs: () => number): Promise<Finding[]> {
  try {
    const { xml, date } = await aws.query("sts", { Action: "GetCallerIdentity", Version: "2011-06-15" });
    return [ok("account", `${tag(xml, "Account")} as ${tag(xml, "Arn")}`), clockFinding("clock of AWS", date, nowMs())];
  } catch (error) {
    const fix =
      "`aws sso login`, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; is this machine's clock right?";
    return [bad("account", (error as Error).message, fix)];
  }
}

function lookAtRegion(aws: AwsApi, region: string): Promise<Finding> {
  return look("region", "`ssm:GetParameters` is asked for", async () => {
    const Names = SERVICES.map((service) => `/aws/service/global-infrastructure/regions/${region}/services/${service}`);
    const { InvalidParameters = [] } = await aws.json("ssm", "AmazonSSM.GetParameters", { Names });
    const missing = (InvalidParameters as string[]).map((name) => name.split("/").at(-1));
    if (missing.length === 0) return ok("region", `${region} has every service of a home`);
    return bad(
      "region",
      `${region} has no ${missing.join(", ")}`,
      "choose another: AWS_REGION, or `region` in trainyard.config.ts",
    );
  });
}

function lookAtBootstrap(aws: AwsApi, region: string): Promise<Finding> {
  return look("bootstrap", "`ssm:GetParameter` is asked for", async () => {
    try {
      const { Parameter } = await aws.json("ssm", "AmazonSSM.GetParameter", { Name: BOOTSTRAP });
      return ok("bootstrap", `version ${(Parameter as { readonly Value?: string } | undefined)?.Value}`);
    } catch (error) {
      if (!(error instanceof AwsRefusal) || error.code !== "ParameterNotFound") throw error;
      return bad(
        "bootstrap",
        `the CDK was never set up in ${region}`,
        "`npx cdk bootstrap`, once for an account and region",
      );
    }
  });
}

function lookAtRole(aws: AwsApi, role: string, service: string): Promise<Finding> {
  return look(role, "`iam:GetRole` is asked for", async () => {
    try {
      await aws.query("iam", { Action: "GetRole", RoleName: role, Version: "2010-05-08" });
      return ok(role, "is there");
    } catch (error) {
      if (!(error instanceof AwsRefusal) || error.code !== "NoSuchEntity") throw error;
      const fix = `none where you may do so; else \`aws iam create-service-linked-role --aws-service-name ${service}\``;
      return warning(role, "is made with the first use", fix);
    }
  });
}

function lookAtQuota(aws: AwsApi, [service, code, what, least]: (typeof QUOTAS)[number]): Promise<Finding> {
  const part = `quota ${service} ${code}`;
  return look(part, "`servicequotas:GetServiceQuota` is asked for", async () => {
    const asked = { ServiceCode: service, QuotaCode: code };
    const { Quota } = await aws
      .json("servicequotas", "ServiceQuotasV20190624.GetServiceQuota", asked)
      .catch((error: unknown) => {
        // What was never changed is known by its default only.
        if (!(error instanceof AwsRefusal) || error.code !== "NoSuchResourceException") throw error;
        return aws.json("servicequotas", "ServiceQuotasV20190624.GetAWSDefaultServiceQuota", asked);
      });
    const value = (Quota as { readonly Value?: number } | undefined)?.Value ?? 0;
    const says = `${value} ${what}`;
    if (value > 0 && value >= least) return ok(part, says);
    const fix = `\`aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value N\`; jobs that want more wait without an end`;
    return least === 0 ? { ...ok(part, says), fix } : warning(part, says, fix);
  });
}
