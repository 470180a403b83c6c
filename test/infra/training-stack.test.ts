import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { placementOf } from "../../src/adapters/aws/batch/pools.ts";
import type { TrainingSettings } from "../../src/adapters/aws/batch/settings.ts";
import type { LaunchRequest } from "../../src/core/ports/launcher.ts";
import { rightsOf } from "./rights.ts";
import { resourcesOf, template } from "./templates.ts";

const training = await template("training");
const given = await template("training", "given");
const ofType = (type: string, of = training) => Object.values(resourcesOf(of)).filter(({ Type }) => Type === type);

/** Where the launcher puts a job. */
function poolFor(compute: object, resources: object = {}) {
  const request = { compute, resources: { instanceCount: 1, ...resources } } as LaunchRequest;
  return placementOf({ home: "trainyard" } as TrainingSettings, request).pool;
}

describe("the training stack", () => {
  test("has the pools, and their queues, that the launcher asks for by name", () => {
    const pools = [
      poolFor({ type: "local", settings: {} }),
      poolFor({ type: "local", settings: {} }, { spot: true }),
      poolFor({ type: "cluster", settings: { size: "Standard_DS3_v2" } }),
      poolFor({ type: "cluster", settings: { tier: "low_priority" } }),
    ];

    const queues = ofType("AWS::Batch::JobQueue").map(({ Properties }) => Properties?.JobQueueName);
    expect(queues.toSorted()).toEqual(pools.map(({ name }) => name).toSorted());
    for (const { name, families } of pools) {
      training.hasResourceProperties("AWS::Batch::ComputeEnvironment", {
        ComputeEnvironmentName: name,
        Type: "MANAGED",
        ReplaceComputeEnvironment: false,
        ComputeResources: families.length === 0 ? Match.anyValue() : Match.objectLike({ InstanceTypes: families }),
      });
    }
  });

  test("has no machine while there is no job", () => {
    const resources = ofType("AWS::Batch::ComputeEnvironment").map(({ Properties }) => Properties?.ComputeResources);

    const minima = resources.map((each) => (each as { Type: string; MinvCpus?: number }).MinvCpus);
    expect(minima.filter((least) => least !== undefined)).toEqual([0, 0]);
  });

  test("gives machines a public address while they run, and needs no NAT for it", () => {
    training.resourceCountIs("AWS::EC2::NatGateway", 0);
    training.resourceCountIs("AWS::EC2::EIP", 0);
    training.resourceCountIs("AWS::EC2::Subnet", 3);
    training.allResourcesProperties("AWS::EC2::Subnet", { MapPublicIpOnLaunch: true });
    training.hasResourceProperties("AWS::EC2::VPCEndpoint", { VpcEndpointType: "Gateway" });
  });

  test("lets nobody in", () => {
    for (const { Properties } of ofType("AWS::EC2::SecurityGroup")) {
      expect(Properties).not.toHaveProperty("SecurityGroupIngress");
    }
    training.resourceCountIs("AWS::EC2::SecurityGroupIngress", 0);
  });

  test("starts machines with a disk that holds a job, and an agent that lets a command end", () => {
    training.hasResourceProperties("AWS::EC2::LaunchTemplate", {
      LaunchTemplateData: Match.objectLike({
        BlockDeviceMappings: [
          { DeviceName: "/dev/xvda", Ebs: Match.objectLike({ VolumeSize: 200, VolumeType: "gp3", Encrypted: true }) },
        ],
        MetadataOptions: Match.objectLike({ HttpTokens: "required", HttpPutResponseHopLimit: 1 }),
      }),
    });
    const [launch] = ofType("AWS::EC2::LaunchTemplate");
    const data = launch?.Properties?.LaunchTemplateData as { UserData: { "Fn::Base64": string } } | undefined;
    const userData = data?.UserData["Fn::Base64"] ?? "";
    expect(userData).toMatch(/^MIME-Version: 1\.0\n/);
    expect(userData).toContain("ECS_CONTAINER_STOP_TIMEOUT=2m\nECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n");
  });

  test("shares queues fairly between workspaces", () => {
    training.resourceCountIs("AWS::Batch::SchedulingPolicy", 1);
    training.allResourcesProperties("AWS::Batch::JobQueue", { SchedulingPolicyArn: Match.anyValue(), Priority: 1 });
  });

  test("lets a machine do what its agent needs, and nothing of the home's", () => {
    const actions = Object.values(rightsOf(training)).flatMap(({ statements }) =>
      statements.flatMap(({ Action = [] }) => Action),
    );

    const services = new Set(actions.map((action) => action.split(":")[0]));
    expect([...services].sort()).toEqual(["ecr", "ecs", "logs"]);
    expect(actions.filter((action) => /Delete|PutImage|Upload|RunTask|\*/.test(action))).toEqual([]);
  });
});

describe("in a network that exists", () => {
  test("makes none, and has a place for jobs of several machines, which reach each other only", () => {
    given.resourceCountIs("AWS::EC2::VPC", 0);
    given.resourceCountIs("AWS::EC2::Subnet", 0);
    given.resourceCountIs("AWS::EC2::SecurityGroup", 2);
    given.hasResourceProperties("AWS::EC2::SecurityGroupIngress", {
      IpProtocol: "-1",
      SourceSecurityGroupId: Match.anyValue(),
    });
    given.allResourcesProperties("AWS::Batch::ComputeEnvironment", {
      ComputeResources: Match.objectLike({ Subnets: ["subnet-0a1b2c3d", "subnet-1a1b2c3d"] }),
    });
  });
});

describe("who starts jobs", () => {
  test("is the worker: on its own queues, environments and definitions, passing two roles, and one to functions of deployments", async () => {
    const worker = await template("worker");
    const statements = Object.values(rightsOf(worker)).flatMap((role) => role.statements);
    const about = (action: string) => statements.filter(({ Action = [] }) => [Action].flat().includes(action));

    expect(JSON.stringify(about("batch:SubmitJob"))).toMatch(/job-definition\/trainyard-\*.*job-queue\/trainyard-\*/);
    expect(about("batch:TerminateJob")).toMatchObject([
      { Condition: { StringEquals: { "aws:ResourceTag/trainyard:home": "trainyard" } } },
    ]);
    const passed = about("iam:PassRole").filter(({ Condition }) => Condition === undefined);
    const roles = JSON.stringify(passed.flatMap(({ Resource = [] }) => Resource));
    expect(roles.match(/trainyard-training:\w+/g)).toHaveLength(2);
    expect(roles.match(/trainyard-serving:\w+/g)).toHaveLength(1);
  });

  test("is not the API, which hands out the runner", async () => {
    const api = await template("api");
    const statements = Object.values(rightsOf(api)).flatMap((role) => role.statements);

    expect(JSON.stringify(statements)).not.toContain("batch:");
    // Timers' role, to the service that uses it.
    const passed = statements.filter(({ Action = [] }) => [Action].flat().includes("iam:PassRole"));
    expect(passed.every(({ Condition }) => JSON.stringify(Condition).includes("scheduler"))).toBe(true);
    api.hasResourceProperties("AWS::Lambda::Function", {
      Environment: { Variables: Match.objectLike({ RUNNER: Match.anyValue() }) },
    });
  });
});
