import { ArnFormat, CfnOutput, Duration, Fn, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Repository, TagMutability, TagStatus } from "aws-cdk-lib/aws-ecr";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { FunctionUrlAuthType, InvokeMode } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { SignIn } from "../config/stage.ts";
import { accept } from "../constructs/accept.ts";
import { HomeFunction } from "../constructs/home-function.ts";
import { ServingProgram } from "../constructs/serving-program.ts";
import type { DataStack } from "./data-stack.ts";
import type { HomeStackProps } from "./home-stack-props.ts";
import { endpointImages } from "./images-stack.ts";

export interface ServingStackProps extends HomeStackProps {
  readonly data: DataStack;
  readonly signIn: SignIn;
}

/** An image in use has a tag of this kind for each function (src/adapters/aws/lambda-host/settings.ts). */
const USED = "used-";
/** ECR's own limit on the images of a repository. */
const ALL_IMAGES = 20_000;
const KEEP_DAYS = 90;

/**
 * Online endpoints: the address that scores, what functions of deployments run as, and the repository of their images. The functions themselves are made
 * with each deployment (src/adapters/aws/lambda-host). Costs nothing while nobody asks.
 */
export class ServingStack extends Stack {
  /** Where endpoints are asked, without a slash at the end. */
  readonly scoringUrl: string;
  readonly repository: Repository;
  private readonly role: Role;
  private readonly program: ServingProgram;
  private readonly props: ServingStackProps;

  constructor(scope: Construct, id: string, props: ServingStackProps) {
    super(scope, id, props);
    this.props = props;
    this.program = new ServingProgram(this, "Program");
    this.repository = this.makeRepository();
    this.role = this.makeRole();
    this.scoringUrl = this.makeRouter();
    new CfnOutput(this, "ScoringUrl", { value: this.scoringUrl, description: "Where online endpoints are asked" });
  }

  /** Knows the address of endpoints and reads the logs of deployments. */
  grantRead(fn: HomeFunction): void {
    fn.handler.addEnvironment("SCORING_URL", this.scoringUrl);
    fn.allow("logs", ["DescribeLogStreams", "GetLogEvents"], [this.logGroups]);
    accept(fn, {
      "AwsSolutions-IAM5": "functions of deployments, and their logs, are known by the beginning of their name",
    });
  }

  /** Makes and deletes deployments' functions, and asks them how they are. */
  grantHost(fn: HomeFunction): void {
    const { stage } = this.props;
    this.grantRead(fn);
    this.program.grantRead(fn);
    const settings = {
      home: stage.name,
      roleArn: this.role.roleArn,
      repositoryUri: this.repository.repositoryUri,
      logDays: stage.logDays,
      program: this.program.place,
    };
    fn.handler.addEnvironment("SERVING", this.toJsonString(settings));
    const actions = ["CreateFunction", "DeleteFunction", "GetFunctionConfiguration", "InvokeFunction", "TagResource"];
    fn.allow("lambda", actions, [this.functions]);
    fn.allow("iam", ["PassRole"], [this.role.roleArn]);
    const logs = ["CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "TagResource"];
    fn.allow("logs", logs, [this.logGroups]);
    const images = ["BatchDeleteImage", "BatchGetImage", "DescribeImages", "GetDownloadUrlForLayer", "PutImage"];
    // Lambda looks, as whoever makes a function, whether it may pull the image.
    fn.allow("ecr", [...images, "GetRepositoryPolicy"], [this.repository.repositoryArn]);
  }

  private get functions(): string {
    return this.formatArn({
      service: "lambda",
      resource: "function",
      resourceName: `${this.prefix}*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  private get logGroups(): string {
    const resourceName = `/aws/lambda/${this.prefix}*`;
    return this.formatArn({
      service: "logs",
      resource: "log-group",
      resourceName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  private get prefix(): string {
    return `${this.props.stage.name}-serve-`;
  }

  private makeRepository(): Repository {
    const repository = new Repository(this, "Images", {
      repositoryName: endpointImages(this.props.stage.name),
      imageScanOnPush: true,
      imageTagMutability: TagMutability.MUTABLE,
      removalPolicy: RemovalPolicy.DESTROY,
      emptyOnDelete: true,
    });
    // What a rule is about, no later rule touches: images in use stay.
    repository.addLifecycleRule({
      rulePriority: 1,
      description: "in use by a deployment",
      tagStatus: TagStatus.TAGGED,
      tagPrefixList: [USED],
      maxImageCount: ALL_IMAGES,
    });
    repository.addLifecycleRule({
      rulePriority: 2,
      description: "built again when it is asked for again",
      tagStatus: TagStatus.ANY,
      maxImageAge: Duration.days(KEEP_DAYS),
    });
    repository.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("lambda.amazonaws.com")],
        actions: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        conditions: { StringLike: { "aws:SourceArn": this.functions } },
      }),
    );
    return repository;
  }

  /** What a scoring script could do at most: write its own log. */
  private makeRole(): Role {
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    const resources = [`${this.logGroups}:*`];
    role.addToPolicy(new PolicyStatement({ actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources }));
    accept(role, {
      "AwsSolutions-IAM5": "logs of functions that are made later, known by the beginning of their name",
    });
    return role;
  }

  private makeRouter(): string {
    const { stage, data, signIn } = this.props;
    const router = new HomeFunction(this, "Router", {
      stage,
      entry: "score.ts",
      memorySize: 512,
      // As long as a function that it asks.
      timeout: Duration.minutes(15),
    });
    router.grantReading(data);
    router.handler.addEnvironment("OIDC_ISSUER", signIn.issuer);
    router.handler.addEnvironment("OIDC_CLIENT_ID", signIn.clientId);
    router.allow("lambda", ["InvokeFunction"], [this.functions]);
    accept(router, { "AwsSolutions-IAM5": "functions of deployments are known by the beginning of their name" });
    const { url } = router.handler.addFunctionUrl({
      // The function itself checks keys and tokens.
      authType: FunctionUrlAuthType.NONE,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    });
    return withoutSlash(url);
  }
}

/** `https://host/` -> `https://host`, of an address that is known only later. */
function withoutSlash(url: string): string {
  const parts = Fn.split("/", url);
  return Fn.join("", [Fn.select(0, parts), "//", Fn.select(2, parts)]);
}
