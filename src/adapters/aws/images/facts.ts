import { BatchGetImageCommand, type ECRClient, GetDownloadUrlForLayerCommand } from "@aws-sdk/client-ecr";
import { AppError } from "../../../contract/errors.ts";
import { nameOf } from "../fault.ts";

/** What an image would do with a job's command. */
export interface ImageFacts {
  /** `name@sha256:…`: the image that was looked at, whatever its tag means later. */
  readonly ref: string;
  readonly entrypoint: readonly string[];
  /** As the image says it; empty: root. */
  readonly user: string;
}

/** Looks into images; undefined where it can't. */
export type ReadImageFacts = (image: string) => Promise<ImageFacts | undefined>;

export interface ImageName {
  readonly host: string;
  /** Name below the host: `library/python`. */
  readonly path: string;
  /** Tag or digest. */
  readonly reference: string;
}

export const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/** The parts of an image's name as Docker reads it: no host means Docker Hub, no tag `latest`. */
export function readImageName(image: string): ImageName {
  const [, name = image, tag = "latest", digest] =
    /^(.+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(image) ?? [];
  const [first = "", ...rest] = name.split("/");
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const path = hasHost ? rest.join("/") : rest.length > 0 ? name : `library/${name}`;
  return { host: hasHost ? first : "docker.io", path, reference: digest ?? tag };
}

interface Manifest {
  readonly mediaType?: string;
  readonly config?: { readonly digest: string };
  readonly manifests?: readonly {
    readonly digest: string;
    readonly platform?: { readonly os?: string; readonly architecture?: string };
  }[];
}

/** Where manifests and config blobs are read from. */
export interface ImageSource {
  /** Text of a manifest by tag or digest, and its digest; undefined when it is not there. */
  manifest(reference: string): Promise<{ readonly text: string; readonly digest: string } | undefined>;
  /** Address of a blob. */
  blob(digest: string): Promise<Response>;
}

/** Reads manifest, the one for linux/amd64 where there are several, and config. Throws InvalidSpec where there is none. */
export async function readFacts(name: ImageName, image: string, source: ImageSource): Promise<ImageFacts> {
  const found = await source.manifest(name.reference);
  if (found === undefined) {
    throw new AppError("InvalidSpec", `image \`${image}\` is not in its registry`, { hint: "check its name and tag" });
  }
  const manifest = await oneManifest(image, JSON.parse(found.text) as Manifest, source);
  const answer = await source.blob(manifest.config?.digest ?? "");
  if (!answer.ok) throw new AppError("Unavailable", `the registry of image \`${image}\` answered ${answer.status}`);
  const { config } = (await answer.json()) as { config?: { Entrypoint?: readonly string[] | null; User?: string } };
  const shown = image.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  return { ref: `${shown}@${found.digest}`, entrypoint: config?.Entrypoint ?? [], user: config?.User ?? "" };
}

async function oneManifest(image: string, manifest: Manifest, source: ImageSource): Promise<Manifest> {
  if (manifest.manifests === undefined) return manifest;
  const fitting = manifest.manifests.find(
    ({ platform }) => platform?.os === "linux" && platform.architecture === "amd64",
  );
  const found = fitting === undefined ? undefined : await source.manifest(fitting.digest);
  if (found !== undefined) return JSON.parse(found.text) as Manifest;
  throw new AppError("InvalidSpec", `image \`${image}\` is not made for linux/amd64`, {
    hint: "jobs run on x86-64 machines; build the image for that platform",
  });
}

/** Looks into images of this account's own registry, of the region we are in. */
export function makeEcrFacts(ecr: ECRClient): ReadImageFacts {
  return async (image) => {
    const name = readImageName(image);
    const [, registryId, region] = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/.exec(name.host) ?? [];
    if (registryId === undefined || region !== (await ecr.config.region())) return undefined;
    return readFacts(name, image, {
      async manifest(reference) {
        const imageId = reference.startsWith("sha256:") ? { imageDigest: reference } : { imageTag: reference };
        try {
          const { images = [] } = await ecr.send(
            new BatchGetImageCommand({
              registryId,
              repositoryName: name.path,
              imageIds: [imageId],
              acceptedMediaTypes: MANIFESTS,
            }),
          );
          const [found] = images;
          if (found?.imageManifest === undefined) return undefined;
          return { text: found.imageManifest, digest: found.imageId?.imageDigest ?? "" };
        } catch (error) {
          if (nameOf(error) === "RepositoryNotFoundException") return undefined;
          throw error;
        }
      },
      async blob(layerDigest) {
        const { downloadUrl = "" } = await ecr.send(
          new GetDownloadUrlForLayerCommand({ registryId, repositoryName: name.path, layerDigest }),
        );
        return fetch(downloadUrl, { signal: AbortSignal.timeout(10_000) });
      },
    });
  };
}
