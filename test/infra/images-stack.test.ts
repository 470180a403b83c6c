import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { rightsOf } from "./rights.ts";
import { resourcesOf, template } from "./templates.ts";

const images = await template("images");

describe("the images stack", () => {
  test("has a project that builds with Docker from the home's bucket, and makes nothing else", () => {
    images.hasResourceProperties("AWS::CodeBuild::Project", {
      Name: "trainyard-images",
      Source: Match.objectLike({ Type: "S3" }),
      Artifacts: { Type: "NO_ARTIFACTS" },
      Environment: Match.objectLike({ Type: "LINUX_CONTAINER", PrivilegedMode: true }),
      TimeoutInMinutes: 60,
    });
    images.hasResourceProperties("AWS::Logs::LogGroup", { RetentionInDays: 30 });
  });

  test("the build takes the name of the image from its variable, which no shell reads twice", () => {
    const project = Object.values(resourcesOf(images)).find(({ Type }) => Type === "AWS::CodeBuild::Project");
    const source = project?.Properties?.Source as { BuildSpec: string } | undefined;

    expect(JSON.parse(source?.BuildSpec ?? "")).toEqual({
      version: "0.2",
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
    });
  });

  test("a build may read contexts, pull, push to the home's repository, and nothing more", () => {
    const statements = Object.values(rightsOf(images)).flatMap((role) => role.statements);
    const of = (action: string) => statements.filter(({ Action = [] }) => [Action].flat().includes(action));

    expect([...new Set(statements.flatMap(({ Action = [] }) => Action))].sort()).toEqual([
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:GetAuthorizationToken",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "s3:GetBucketAcl",
      "s3:GetBucketLocation",
      "s3:GetObject",
      "s3:GetObjectVersion",
    ]);
    expect(JSON.stringify(of("ecr:PutImage").map(({ Resource }) => Resource))).toContain(
      "repository/trainyard/environments",
    );
    expect(JSON.stringify(of("s3:GetObject").map(({ Resource }) => Resource))).toContain("/images/*");
  });

  test("public images come through the account's own registry, and go when nobody wants them", () => {
    images.hasResourceProperties("AWS::ECR::PullThroughCacheRule", {
      EcrRepositoryPrefix: "trainyard/public",
      UpstreamRegistryUrl: "public.ecr.aws",
    });
    images.hasResourceProperties("AWS::ECR::RepositoryCreationTemplate", {
      Prefix: "trainyard/public",
      AppliedFor: ["PULL_THROUGH_CACHE"],
      LifecyclePolicy: Match.stringLikeRegexp("sinceImagePushed"),
    });
  });
});
