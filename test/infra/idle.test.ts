import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { idleMonth } from "../../src/contract/prices/idle-month.ts";
import { hourlyPriced } from "./idle.ts";
import { templates } from "./templates.ts";

const plain = await templates();

/** A stack of the home with one more resource. */
function withMore(type: string, properties: Readonly<Record<string, unknown>>): Template {
  const { Resources, ...rest } = plain.data?.toJSON() ?? {};
  return Template.fromJSON({ ...rest, Resources: { ...Resources, More: { Type: type, Properties: properties } } });
}

describe("an idle home", () => {
  test("costs less than a dollar a month by what AWS always gives, and its parts all have a price", () => {
    const stacks = Object.entries(plain).map(([name, template]) => [name, template.toJSON()]);

    const month = idleMonth(Object.fromEntries(stacks));

    expect(month.unpriced).toEqual([]);
    expect(month.lines.length).toBeGreaterThan(0);
    expect(month.usd).toBeLessThan(1);
  });

  test.each(Object.entries(plain))("has nothing in `%s` that is billed by the hour", (_, template) => {
    expect(hourlyPriced(template)).toEqual([]);
  });

  test.each([
    ["AWS::EC2::NatGateway", { SubnetId: "s" }],
    ["AWS::EC2::EIP", {}],
    ["AWS::ElasticLoadBalancingV2::LoadBalancer", {}],
    ["AWS::EC2::VPCEndpoint", { VpcEndpointType: "Interface" }],
    ["AWS::RDS::DBInstance", {}],
    ["AWS::Lambda::Alias", { ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 1 } }],
    ["AWS::ECS::Service", { DesiredCount: 1 }],
    ["AWS::ECS::Service", {}],
    ["AWS::Batch::ComputeEnvironment", { ComputeResources: { MinvCpus: 2 } }],
    ["AWS::DynamoDB::Table", { ProvisionedThroughput: {} }],
    ["AWS::KMS::Key", {}],
  ])("would have with a %s %j", (type, properties) => {
    expect(hourlyPriced(withMore(type, properties))).toEqual([expect.stringMatching(/^More \(/)]);
  });

  test.each([
    ["AWS::EC2::VPCEndpoint", { VpcEndpointType: "Gateway" }],
    ["AWS::EC2::VPCEndpoint", {}],
    ["AWS::ECS::Service", { DesiredCount: 0 }],
    ["AWS::Batch::ComputeEnvironment", { ComputeResources: { MinvCpus: 0 } }],
  ])("would not with a %s %j", (type, properties) => {
    expect(hourlyPriced(withMore(type, properties))).toEqual([]);
  });
});
