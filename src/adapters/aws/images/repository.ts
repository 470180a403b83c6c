import {
  CreateRepositoryCommand,
  DescribeImagesCommand,
  type ECRClient,
  PutLifecyclePolicyCommand,
} from "@aws-sdk/client-ecr";
import { nameOf } from "../fault.ts";
import { KEEP_DAYS, SPARE_DAYS, USABLE_MS } from "./lifetime.ts";

const LIFECYCLE = {
  rules: [
    {
      rulePriority: 1,
      description: "replaced by a newer build",
      selection: { tagStatus: "untagged", countType: "sinceImagePushed", countUnit: "days", countNumber: SPARE_DAYS },
      action: { type: "expire" },
    },
    {
      rulePriority: 2,
      description: "built again when it is asked for again",
      selection: { tagStatus: "any", countType: "sinceImagePushed", countUnit: "days", countNumber: KEEP_DAYS },
      action: { type: "expire" },
    },
  ],
};

/** The home's ECR repository for images of environments. It is made with the first image. */
export interface ImageRepository {
  /** Digest of the image with this tag, while it will be there for another week. */
  find(tag: string): Promise<string | undefined>;
  /** Makes the repository if it is not there: scanned on push, old images expire, tagged as the home's. */
  ensure(): Promise<void>;
}

export interface RepositoryOptions {
  readonly ecr: ECRClient;
  /** `<home>/environments`, or a workspace's own. */
  readonly name: string;
  readonly home: string;
  readonly now: () => number;
  /** It is somebody else's, and stays as it is. */
  readonly isAdopted?: boolean;
}

export function openRepository({ ecr, name, home, now, isAdopted = false }: RepositoryOptions): ImageRepository {
  return {
    async find(imageTag) {
      try {
        const found = await ecr.send(new DescribeImagesCommand({ repositoryName: name, imageIds: [{ imageTag }] }));
        const [image] = found.imageDetails ?? [];
        const pushedMs = image?.imagePushedAt?.getTime() ?? 0;
        return now() - pushedMs < USABLE_MS ? image?.imageDigest : undefined;
      } catch (error) {
        if (/^(?:RepositoryNotFound|ImageNotFound)Exception$/.test(nameOf(error))) return undefined;
        throw error;
      }
    },
    async ensure() {
      if (isAdopted) return;
      try {
        await ecr.send(
          new CreateRepositoryCommand({
            repositoryName: name,
            imageScanningConfiguration: { scanOnPush: true },
            imageTagMutability: "MUTABLE",
            tags: [{ Key: "trainyard:home", Value: home }],
          }),
        );
      } catch (error) {
        if (nameOf(error) !== "RepositoryAlreadyExistsException") throw error;
      }
      // Also where it was there: an earlier call may have ended between the two.
      const lifecyclePolicyText = JSON.stringify(LIFECYCLE);
      await ecr.send(new PutLifecyclePolicyCommand({ repositoryName: name, lifecyclePolicyText }));
    },
  };
}
