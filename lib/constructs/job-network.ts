import { Fn, Stack } from "aws-cdk-lib";
import {
  GatewayVpcEndpointAwsService,
  type ISubnet,
  type IVpc,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";
import type { Stage } from "../config/stage.ts";
import { accept } from "./accept.ts";

/** Regions where a new account is given two zones. */
const TWO_ZONES = ["us-west-1"];

/** A region's zones by position, so that nothing is looked up in the account. */
export function zonesOf(region: string): string[] {
  return Array.from({ length: TWO_ZONES.includes(region) ? 2 : 3 }, (_, i) => Fn.select(i, Fn.getAzs()));
}

/** Where machines run jobs: a network of the home's own, without a NAT, or one that exists. Costs nothing while no machine runs. */
export class JobNetwork extends Construct {
  /** Where a machine starts. */
  readonly subnetIds: readonly string[];
  /** Where those of a job of several machines start, which get no public address. */
  readonly multiNodeSubnetIds: readonly string[] | undefined;
  /** Machines need a public address to reach anything. */
  readonly isPublic: boolean;
  /** Nobody gets in. */
  readonly securityGroupId: string;
  /** Nobody gets in but the other machines of such jobs. */
  readonly multiNodeSecurityGroupId: string | undefined;

  constructor(scope: Construct, id: string, { network }: Pick<Stage, "network">) {
    super(scope, id);
    const vpc = network === undefined ? this.makeVpc() : Vpc.fromVpcAttributes(this, "Vpc", network);
    const { publicSubnetIds, privateSubnetIds } = network ?? { publicSubnetIds: idsOf(vpc.publicSubnets) };
    this.subnetIds = publicSubnetIds ?? privateSubnetIds ?? [];
    this.isPublic = publicSubnetIds !== undefined;
    this.multiNodeSubnetIds = privateSubnetIds;
    this.securityGroupId = new SecurityGroup(this, "Machines", {
      vpc,
      description: "Machines that run jobs: out only",
    }).securityGroupId;
    this.multiNodeSecurityGroupId = privateSubnetIds === undefined ? undefined : this.makeMultiNodeGroup(vpc);
  }

  private makeVpc(): Vpc {
    const vpc = new Vpc(this, "Vpc", {
      availabilityZones: zonesOf(Stack.of(this).region),
      natGateways: 0,
      subnetConfiguration: [{ name: "Machines", subnetType: SubnetType.PUBLIC, cidrMask: 20 }],
      // Layers of images and the runner come this way, free of charge.
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
      // It would be a function of its own; no machine is in the default group.
      restrictDefaultSecurityGroup: false,
    });
    accept(vpc, {
      "AwsSolutions-VPC7": "flow logs are billed by what flows; machines here only ask, nobody can ask them",
    });
    return vpc;
  }

  private makeMultiNodeGroup(vpc: IVpc): string {
    const group = new SecurityGroup(this, "Nodes", {
      vpc,
      description: "Machines of jobs that have several: out, and to each other",
    });
    group.addIngressRule(group, Port.allTraffic(), "the other machines");
    return group.securityGroupId;
  }
}

function idsOf(subnets: readonly ISubnet[]): string[] {
  return subnets.map(({ subnetId }) => subnetId);
}
