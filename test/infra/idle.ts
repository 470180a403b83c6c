import type { Template } from "aws-cdk-lib/assertions";
import { resourcesOf } from "./templates.ts";

/** Types that cost something each hour they exist, whatever they do. */
const HOURLY = [
  /^AWS::EC2::(?:NatGateway|EIP|Instance|TransitGateway|VPNGateway|ClientVpnEndpoint|Host|CapacityReservation)/,
  /^AWS::ElasticLoadBalancing/,
  /^AWS::(?:RDS|DocDB|Neptune|ElastiCache|MemoryDB|Redshift|MSK|AmazonMQ|OpenSearchService|Elasticsearch|DAX|EMR|EKS)::/,
  /^AWS::(?:SageMaker::(?:Endpoint|NotebookInstance|Domain)|Kinesis::Stream|FSx|GlobalAccelerator|AppRunner|DirectoryService)/,
  /^AWS::(?:KMS::Key|Route53::HostedZone|WAFv2::WebACL|AutoScaling::AutoScalingGroup|EC2::SpotFleet)$/,
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
  if (/ProvisionedConcurren/.test(text)) return "provisioned concurrency";
  if (type === "AWS::ECS::Service" && properties.DesiredCount !== 0) return "a service with a desired count";
  // Fargate has no minimum.
  if (type === "AWS::Batch::ComputeEnvironment" && !/"MinvCpus":0\b|"Type":"FARGATE/.test(text)) return "minimum vCPUs";
  // Gateway endpoints, the default kind, are free.
  if (type === "AWS::EC2::VPCEndpoint" && ![undefined, "Gateway"].includes(properties.VpcEndpointType as string))
    return "interface endpoint";
  return undefined;
}
