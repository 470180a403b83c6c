import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { ApiStack } from "../../lib/stacks/api-stack.ts";
import { DataStack } from "../../lib/stacks/data-stack.ts";
import { SignInStack } from "../../lib/stacks/sign-in-stack.ts";

interface Templates {
  readonly data: Template;
  readonly api: Template;
  readonly signIn: Template;
}

/** The stacks as `bin/` makes them, without bundling their code. */
export function synthesize(retain = true): Templates {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [], "@aws-cdk/aws-iam:minimizePolicies": true } });
  const data = new DataStack(app, "data", { retain });
  const people = new SignInStack(app, "sign-in", { retain, stage: "trainyard" });
  const { signIn } = people;
  const api = new ApiStack(app, "api", { table: data.table, objects: data.objects, vaultKey: data.vaultKey, signIn });
  return { data: Template.fromStack(data), api: Template.fromStack(api), signIn: Template.fromStack(people) };
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

export function resourcesOf(template: Template): Readonly<Record<string, Resource>> {
  return (template.toJSON() as { Resources?: Record<string, Resource> }).Resources ?? {};
}

/** Types that cost something each hour they exist, whatever they do. */
const HOURLY = [
  /^AWS::EC2::(?:NatGateway|EIP|Instance|TransitGateway|VPNGateway|ClientVpnEndpoint|Host|CapacityReservation)/,
  /^AWS::ElasticLoadBalancing/,
  /^AWS::(?:RDS|DocDB|Neptune|ElastiCache|MemoryDB|Redshift|MSK|AmazonMQ|OpenSearchService|Elasticsearch|DAX|EMR|EKS)::/,
  /^AWS::(?:SageMaker::(?:Endpoint|NotebookInstance|Domain)|Kinesis::Stream|FSx|GlobalAccelerator|AppRunner|DirectoryService)/,
  /^AWS::(?:KMS::Key|Route53::HostedZone|WAFv2::WebACL|AutoScaling::AutoScalingGroup)$/,
];

/** What of a template costs by the hour (or month) while nobody uses it, as `id (why)`. */
export function hourlyPriced(template: Template): readonly string[] {
  return Object.entries(resourcesOf(template)).flatMap(([id, { Type, Properties = {} }]) => {
    const why = HOURLY.some((pattern) => pattern.test(Type)) ? Type : costlySetting(Type, Properties);
    return why === undefined ? [] : [`${id} (${why})`];
  });
}

function costlySetting(type: string, properties: Readonly<Record<string, unknown>>): string | undefined {
  const text = JSON.stringify(properties);
  if (type.startsWith("AWS::DynamoDB::") && properties.BillingMode !== "PAY_PER_REQUEST") return "provisioned capacity";
  if (text.includes("ProvisionedConcurren")) return "provisioned concurrency";
  if (type === "AWS::ECS::Service" && properties.DesiredCount !== 0) return "a service with a desired count";
  if (type === "AWS::Batch::ComputeEnvironment" && !/"MinvCpus":0\b/.test(text)) return "minimum vCPUs";
  // Gateway endpoints, the default kind, are free.
  if (type === "AWS::EC2::VPCEndpoint" && !["Gateway", undefined].includes(properties.VpcEndpointType as string))
    return "interface endpoint";
  return undefined;
}
