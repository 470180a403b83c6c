import { ALWAYS_FREE, PRICES } from "./table.ts";

/** A CloudFormation template, as far as it is read here. */
export interface PricedTemplate {
  readonly Resources?: Readonly<Record<string, PricedResource>>;
}

interface PricedResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** What one resource costs in a month in which nobody uses it. */
export interface IdleLine {
  readonly stack: string;
  readonly id: string;
  readonly type: string;
  /** By list price. */
  readonly usd: number;
  /** What it is billed for. */
  readonly why: string;
}

export interface IdleMonth {
  readonly asOf: string;
  readonly region: string;
  /** Resources that cost something. */
  readonly lines: readonly IdleLine[];
  readonly listUsd: number;
  /** After what every account has for nothing. */
  readonly usd: number;
  /** Types that have no price here: the sums are then too low. */
  readonly unpriced: readonly string[];
}

type Price = (properties: Readonly<Record<string, unknown>>) => readonly [usd: number, why: string] | undefined;

const { hoursPerMonth } = PRICES;
const monthly =
  (usd: number, why: string): Price =>
  () => [usd, why];
const hourly = (usd: number, why: string) => monthly(usd * hoursPerMonth, `${why}, ${usd} USD an hour`);

/** A function that polls a queue holds five connections, each asking anew every 20 seconds. */
const POLLS_PER_MONTH = (5 * 3600 * hoursPerMonth) / 20;
const POLLING = (POLLS_PER_MONTH / 1e6) * PRICES.queueRequests;

const PRICED: Readonly<Record<string, Price>> = {
  "AWS::SecretsManager::Secret": monthly(PRICES.secret, "secret"),
  "AWS::KMS::Key": monthly(PRICES.kmsKey, "key"),
  "AWS::CloudWatch::Alarm": monthly(PRICES.alarm, "alarm"),
  "AWS::CloudWatch::Dashboard": monthly(PRICES.dashboard, "dashboard"),
  "AWS::Route53::HostedZone": monthly(PRICES.hostedZone, "hosted zone"),
  "AWS::WAFv2::WebACL": monthly(PRICES.webAcl, "web ACL"),
  "AWS::EC2::NatGateway": hourly(PRICES.natGateway, "NAT gateway"),
  "AWS::EC2::EIP": hourly(PRICES.publicAddress, "public address"),
  "AWS::ElasticLoadBalancingV2::LoadBalancer": hourly(PRICES.loadBalancer, "load balancer"),
  "AWS::EC2::VPCEndpoint": ({ VpcEndpointType, SubnetIds }) => {
    if (VpcEndpointType !== "Interface") return undefined;
    const zones = Array.isArray(SubnetIds) ? SubnetIds.length : 1;
    return [zones * PRICES.interfaceEndpointZone * hoursPerMonth, `interface endpoint in ${zones} zones`];
  },
  "AWS::Lambda::EventSourceMapping": ({ EventSourceArn }) =>
    // A table's stream is read by the service for nothing.
    JSON.stringify(EventSourceArn ?? "").includes("Stream") ? undefined : [POLLING, "polls of an empty queue"],
  "AWS::Events::Rule": ({ ScheduleExpression }) => {
    const times = timesPerMonth(String(ScheduleExpression ?? ""));
    // A call of a fifth of a second in a gigabyte.
    const usd = times * (PRICES.functionRequests / 1e6 + 0.2 * PRICES.functionGbSec);
    return times === 0 ? undefined : [usd, `${Math.round(times)} calls by schedule`];
  },
};

/** Types that cost nothing while nothing happens, stored bytes aside. */
const FREE =
  /^AWS::(?:IAM|ApiGatewayV2|Logs|Lambda|SQS|SNS|Events|Scheduler|Cognito|CodeBuild|ECR|Batch|CloudFormation|CDK|CloudFront|SSM|Athena|Glue|StepFunctions|ResourceGroups|Budgets)::|^AWS::S3::Bucket|^AWS::DynamoDB::(?:Global)?Table$|^AWS::ECS::(?:Cluster|TaskDefinition)$|^AWS::EC2::(?:VPC|Subnet|Route|RouteTable|InternetGateway|VPCGatewayAttachment|SubnetRouteTableAssociation|SecurityGroup|SecurityGroupIngress|SecurityGroupEgress|LaunchTemplate|PlacementGroup|FlowLog)$|^AWS::SecretsManager::ResourcePolicy$|^Custom::/;

/** Prices what a home's templates make, for a month without use. Pure; `templates` by stack name. */
export function idleMonth(templates: Readonly<Record<string, PricedTemplate>>): IdleMonth {
  const resources = Object.entries(templates).flatMap(([stack, { Resources = {} }]) =>
    Object.entries(Resources).map(([id, { Type, Properties = {} }]) => ({ stack, id, type: Type, Properties })),
  );
  const lines = resources.flatMap(({ Properties, ...where }): IdleLine[] => {
    const [usd, why] = PRICED[where.type]?.(Properties) ?? [0, ""];
    return usd === 0 ? [] : [{ ...where, usd, why }];
  });
  const listUsd = sum(lines);
  const unpriced = resources.map(({ type }) => type).filter((type) => PRICED[type] === undefined && !FREE.test(type));
  return {
    asOf: PRICES.asOf,
    region: PRICES.region,
    lines,
    listUsd,
    usd: listUsd - allowance(lines),
    unpriced: [...new Set(unpriced)].sort(),
  };
}

function sum(lines: readonly IdleLine[]): number {
  return lines.reduce((total, { usd }) => total + usd, 0);
}

function allowance(lines: readonly IdleLine[]): number {
  const of = (type: string) => lines.filter((line) => line.type === type);
  const upTo = (type: string, count: number) => sum(of(type).slice(0, count));
  const freePolls = (ALWAYS_FREE.queueRequests / 1e6) * PRICES.queueRequests;
  return (
    upTo("AWS::CloudWatch::Alarm", ALWAYS_FREE.alarms) +
    upTo("AWS::CloudWatch::Dashboard", ALWAYS_FREE.dashboards) +
    Math.min(freePolls, sum(of("AWS::Lambda::EventSourceMapping"))) +
    // A few thousand calls are far below what is free.
    sum(of("AWS::Events::Rule"))
  );
}

function timesPerMonth(expression: string): number {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (unit === undefined) return expression === "" ? 0 : 30;
  const hours = { minute: 1 / 60, hour: 1, day: 24 }[unit] ?? 24;
  return hoursPerMonth / (Number(count) * hours);
}
