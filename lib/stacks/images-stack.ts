import { Fn, RemovalPolicy, Stack } from "aws-cdk-lib";
import { CfnProject } from "aws-cdk-lib/aws-codebuild";
import { CfnPullThroughCacheRule, CfnRepositoryCreationTemplate } from "aws-cdk-lib/aws-ecr";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Stage } from "../config/stage.ts";
import { accept } from "../constructs/accept.ts";
import type { HomeFunction } from "../constructs/home-function.ts";
import { workspaceResources } from "../constructs/workspace-storage.ts";
import type { DataStack } from "./data-stack.ts";
import type { HomeStackProps } from "./home-stack-props.ts";

export interface ImagesStackProps extends HomeStackProps {
  readonly data: DataStack;
}

/** Build contexts in the home's bucket (src/adapters/aws/images/builder.ts). */
const CONTEXTS = "images/";
const TIMEOUT_MIN = 60;
/** ECR's limit on prefixes of cached registries is 30 characters. */
const PREFIX_LENGTH = 30;
const PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const PUSH = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"];

/** Name of the repository of deployments' images, which the serving stack makes. */
export const endpointImages = (home: string): string => `${home}/endpoints`;

/** The source is a zip file with a `Dockerfile` and a `context` folder; IMAGE is the name to push under. */
const BUILD_SPEC = {
  version: "0.2",
  // Lambda takes no index of an image and its attestation.
  env: { shell: "bash", variables: { BUILDX_NO_DEFAULT_ATTESTATIONS: "1" } },
  phases: {
    pre_build: {
      commands: [`aws ecr get-login-password | docker login --username AWS --password-stdin "\${IMAGE%%/*}"`],
    },
    build: {
      commands: [
        'docker build --progress plain --platform linux/amd64 --file Dockerfile --tag "$IMAGE" context',
        'docker push --quiet "$IMAGE"',
      ],
    },
  },
};

/**
 * Images of environments: the project that builds them, and the public registry through a cache of the account's own. Costs nothing while nothing is built.
 * The repository is made with the first image; what may be done to it is granted by its name.
 */
export class ImagesStack extends Stack {
  /** The public ECR registry through the account's own: `<this>/docker/library/node:24-slim`. */
  readonly publicRegistry: string;
  private readonly project: CfnProject;
  private readonly log: LogGroup;
  private readonly repositoryName: string;
  private readonly home: string;
  private readonly stage: Stage;

  constructor(scope: Construct, id: string, props: ImagesStackProps) {
    super(scope, id, props);
    const { stage, data } = props;
    this.stage = stage;
    this.home = stage.name;
    this.repositoryName = `${stage.name}/environments`;
    this.log = new LogGroup(this, "Log", { retention: stage.logDays, removalPolicy: RemovalPolicy.DESTROY });
    this.project = this.makeProject(data, this.makeRole(data));
    this.publicRegistry = this.makePublicRegistry();
  }

  /** Starts builds and follows them, finds and makes the repository, and looks into the account's images. */
  grantBuilds(fn: HomeFunction): void {
    const repositoryUri = `${this.registry}/${this.repositoryName}`;
    fn.handler.addEnvironment(
      "IMAGES",
      this.toJsonString({ project: this.project.ref, repositoryUri, home: this.home }),
    );
    fn.allow("codebuild", ["BatchGetBuilds", "StartBuild"], [this.project.attrArn]);
    fn.allow("logs", ["GetLogEvents"], [this.log.logGroupArn]);
    const repository = this.arnOfRepository(this.repositoryName);
    const { repositories } = workspaceResources(this, this.stage);
    fn.allow(
      "ecr",
      ["CreateRepository", "DescribeImages", "PutLifecyclePolicy", "TagResource"],
      [repository, ...repositories.slice(0, 1)],
    );
    fn.allow("ecr", ["BatchGetImage", "GetDownloadUrlForLayer"], [this.arnOfRepository("*")]);
    accept(fn, { "AwsSolutions-IAM5": "people name images of the account's own registry, whatever they are called" });
  }

  private get registry(): string {
    return `${this.account}.dkr.ecr.${this.region}.${this.urlSuffix}`;
  }

  private arnOfRepository(name: string): string {
    return this.formatArn({ service: "ecr", resource: "repository", resourceName: name });
  }

  /** What a person's Dockerfile could do at most: push to the home's and its workspaces' repositories, and pull. */
  private makeRole(data: DataStack): Role {
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("codebuild.amazonaws.com") });
    const allow = (actions: string[], resources: string[]) =>
      role.addToPolicy(new PolicyStatement({ actions, resources }));
    this.log.grantWrite(role);
    allow(["s3:GetObject", "s3:GetObjectVersion"], [data.objects.arnForObjects(`${CONTEXTS}*`)]);
    allow(["s3:GetBucketAcl", "s3:GetBucketLocation"], [data.objects.bucketArn]);
    if (data.key !== undefined) allow(["kms:Decrypt"], [data.key.keyArn]);
    allow(["ecr:GetAuthorizationToken"], ["*"]);
    const own = [this.repositoryName, endpointImages(this.home)].map((name) => this.arnOfRepository(name));
    allow(PUSH, [...own, ...workspaceResources(this, this.stage).repositories]);
    allow(PULL, [this.arnOfRepository("*")]);
    accept(role, {
      "AwsSolutions-IAM5":
        "a login to ECR is for no repository; images are built upon any of the account's; `images/*` are build contexts",
    });
    return role;
  }

  private makeProject(data: DataStack, role: Role): CfnProject {
    const project = new CfnProject(this, "Project", {
      name: `${this.home}-images`,
      description: "Builds images of environments",
      serviceRole: role.roleArn,
      source: {
        type: "S3",
        location: `${data.objects.bucketName}/${CONTEXTS}`,
        buildSpec: JSON.stringify(BUILD_SPEC),
      },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        computeType: "BUILD_GENERAL1_MEDIUM",
        privilegedMode: true,
      },
      cache: { type: "LOCAL", modes: ["LOCAL_DOCKER_LAYER_CACHE"] },
      logsConfig: { cloudWatchLogs: { status: "ENABLED", groupName: this.log.logGroupName } },
      timeoutInMinutes: TIMEOUT_MIN,
    });
    project.node.addDependency(role);
    accept(project, {
      "AwsSolutions-CB3": "Docker needs it to build images; the machine is one build's own",
      "AwsSolutions-CB4": "it has no artifacts; images are encrypted by ECR",
    });
    return project;
  }

  private makePublicRegistry(): string {
    const prefix = `${this.home.slice(0, PREFIX_LENGTH - "/public".length).replace(/-+$/, "")}/public`;
    // Repositories that the cache makes are the service's doing: it is told beforehand how to.
    const template = new CfnRepositoryCreationTemplate(this, "PublicTemplate", {
      prefix,
      appliedFor: ["PULL_THROUGH_CACHE"],
      lifecyclePolicy: JSON.stringify({
        rules: [
          {
            rulePriority: 1,
            description: "pulled again when it is needed again",
            selection: { tagStatus: "any", countType: "sinceImagePushed", countUnit: "days", countNumber: 30 },
            action: { type: "expire" },
          },
        ],
      }),
    });
    const rule = new CfnPullThroughCacheRule(this, "Public", {
      ecrRepositoryPrefix: prefix,
      upstreamRegistryUrl: "public.ecr.aws",
      upstreamRegistry: "ecr-public",
    });
    rule.addDependency(template);
    return Fn.join("/", [this.registry, prefix]);
  }
}
