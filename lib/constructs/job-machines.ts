import { Fn, RemovalPolicy, Stack, Tags } from "aws-cdk-lib";
import { CfnLaunchTemplate } from "aws-cdk-lib/aws-ec2";
import { CfnInstanceProfile, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { Stage } from "../config/stage.ts";
import { accept } from "./accept.ts";

export interface JobMachinesProps {
  readonly stage: Stage;
  /** Public registry through the account's own, with its host: what is pulled first is copied. */
  readonly publicRegistry: string;
}

const AGENT = [
  "DeregisterContainerInstance",
  "Poll",
  "RegisterContainerInstance",
  "StartTelemetrySession",
  "SubmitContainerStateChange",
  "SubmitTaskStateChange",
  "UpdateContainerInstancesState",
];
const PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const PULL_THROUGH = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"];

/** The agent's settings: a command has two minutes to end, as a spot notice gives, and what tasks leave goes soon, since a job takes much disk. */
const AGENT_SETTINGS = {
  ECS_CONTAINER_STOP_TIMEOUT: "2m",
  ECS_ENABLE_SPOT_INSTANCE_DRAINING: "true",
  ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: "2m",
  ECS_IMAGE_PULL_BEHAVIOR: "prefer-cached",
};

/** How machines start that run jobs, and what they may do: as little as the agent needs, for a job's command can ask for the machine's rights. */
export class JobMachines extends Construct {
  readonly launchTemplateId: string;
  /** A new one renews machines that start from then on. */
  readonly launchTemplateVersion: string;
  readonly instanceProfileArn: string;
  readonly instanceRole: Role;
  readonly executionRole: Role;
  /** What containers themselves say, ours most of all. */
  readonly log: LogGroup;

  constructor(scope: Construct, id: string, { stage, publicRegistry }: JobMachinesProps) {
    super(scope, id);
    this.log = new LogGroup(this, "Log", { retention: stage.logDays, removalPolicy: RemovalPolicy.DESTROY });
    this.executionRole = this.makeRole("ExecutionRole", "ecs-tasks.amazonaws.com", publicRegistry);
    this.instanceRole = this.makeRole("InstanceRole", "ec2.amazonaws.com", publicRegistry);
    this.letAgentWork(this.instanceRole);
    const profile = new CfnInstanceProfile(this, "InstanceProfile", { roles: [this.instanceRole.roleName] });
    this.instanceProfileArn = profile.attrArn;
    const template = this.makeLaunchTemplate(stage);
    this.launchTemplateId = template.ref;
    this.launchTemplateVersion = template.attrLatestVersionNumber;
  }

  /** Pulls images and writes the containers' log. */
  private makeRole(id: string, service: string, publicRegistry: string): Role {
    const role = new Role(this, id, { assumedBy: new ServicePrincipal(service) });
    this.log.grantWrite(role);
    const repository = (resourceName: string) =>
      Stack.of(this).formatArn({ service: "ecr", resource: "repository", resourceName });
    const copied = `${Fn.select(1, Fn.split("/", publicRegistry))}/public/*`;
    role.addToPolicy(new PolicyStatement({ actions: ["ecr:GetAuthorizationToken"], resources: ["*"] }));
    role.addToPolicy(new PolicyStatement({ actions: PULL, resources: [repository("*")] }));
    role.addToPolicy(new PolicyStatement({ actions: PULL_THROUGH, resources: [repository(copied)] }));
    accept(role, {
      "AwsSolutions-IAM5": "a login to ECR is for no repository; people name images of the account's own registry",
    });
    return role;
  }

  private letAgentWork(role: Role): void {
    const arn = (resource: string) => Stack.of(this).formatArn({ service: "ecs", resource, resourceName: "*" });
    role.addToPolicy(new PolicyStatement({ actions: ["ecs:DiscoverPollEndpoint"], resources: ["*"] }));
    role.addToPolicy(
      new PolicyStatement({
        actions: AGENT.map((action) => `ecs:${action}`),
        resources: [arn("cluster"), arn("container-instance")],
      }),
    );
  }

  private makeLaunchTemplate({ name, job }: Stage): CfnLaunchTemplate {
    const template = new CfnLaunchTemplate(this, "LaunchTemplate", {
      launchTemplateName: `${name}-jobs`,
      launchTemplateData: {
        blockDeviceMappings: [
          {
            deviceName: "/dev/xvda",
            ebs: { volumeSize: job.diskGib, volumeType: "gp3", encrypted: true, deleteOnTermination: true },
          },
        ],
        metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1, httpEndpoint: "enabled" },
        userData: Fn.base64(userData()),
      },
    });
    Tags.of(template).add("Name", `${name}-jobs`);
    return template;
  }
}

/** AWS Batch joins it with its own, which takes it in parts. */
function userData(): string {
  const settings = Object.entries(AGENT_SETTINGS).map(([name, value]) => `${name}=${value}`);
  return [
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="==PART=="',
    "",
    "--==PART==",
    'Content-Type: text/x-shellscript; charset="us-ascii"',
    "",
    "#!/bin/sh",
    "cat >>/etc/ecs/ecs.config <<'END'",
    ...settings,
    "END",
    "--==PART==--",
    "",
  ].join("\n");
}
