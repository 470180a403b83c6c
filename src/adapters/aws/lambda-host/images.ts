import { BatchDeleteImageCommand, BatchGetImageCommand, type ECRClient, PutImageCommand } from "@aws-sdk/client-ecr";
import { AppError } from "../../../contract/errors.ts";
import { nameOf } from "../fault.ts";
import { MANIFESTS } from "../images/facts.ts";

/** Tags by which images in use are kept from expiring: one for each function. */
export interface ImageTags {
  /** Throws DeploymentFailed where the image is gone. */
  add(ref: string, tag: string): Promise<void>;
  remove(tag: string): Promise<void>;
}

export function openImageTags(ecr: ECRClient, repositoryName: string): ImageTags {
  return {
    async add(ref, imageTag) {
      const imageDigest = ref.slice(ref.indexOf("@") + 1);
      const { images = [] } = await ecr.send(
        new BatchGetImageCommand({ repositoryName, imageIds: [{ imageDigest }], acceptedMediaTypes: MANIFESTS }),
      );
      const [image] = images;
      if (image?.imageManifest === undefined)
        throw new AppError("DeploymentFailed", `image \`${ref}\` is not in its repository any more`, {
          hint: "update the deployment to have it built again",
        });
      const { imageManifest, imageManifestMediaType } = image;
      try {
        await ecr.send(new PutImageCommand({ repositoryName, imageManifest, imageManifestMediaType, imageTag }));
      } catch (error) {
        if (nameOf(error) !== "ImageAlreadyExistsException") throw error;
      }
    },
    async remove(imageTag) {
      try {
        // With its last tag an image goes; its builder's tag keeps it for the next deployment of the environment.
        await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag }] }));
      } catch (error) {
        if (nameOf(error) !== "RepositoryNotFoundException") throw error;
      }
    },
  };
}
