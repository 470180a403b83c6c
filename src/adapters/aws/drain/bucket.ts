import { DeleteObjectsCommand, ListObjectVersionsCommand, type S3Client } from "@aws-sdk/client-s3";
import { nameOf } from "../fault.ts";
import type { Drainer } from "./drain.ts";

/** Every version of every object; a bucket can only go when it is empty. A thousand a step. */
export function bucketDrainer({ client, bucket }: { readonly client: S3Client; readonly bucket: string }): Drainer {
  return {
    async step() {
      const listed = await client.send(new ListObjectVersionsCommand({ Bucket: bucket })).catch(unlessGone);
      const versions = [...(listed?.Versions ?? []), ...(listed?.DeleteMarkers ?? [])];
      if (versions.length === 0) return [];
      const Objects = versions.map(({ Key, VersionId }) => ({ Key, VersionId }));
      const { Errors = [] } = await client.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
      );
      const [refused] = Errors;
      if (refused !== undefined)
        throw new Error(`\`${refused.Key}\` of \`${bucket}\`: ${refused.Code} ${refused.Message}`);
      return [`objects of ${bucket}`];
    },
  };
}

function unlessGone(error: unknown): undefined {
  if (nameOf(error) !== "NoSuchBucket") throw error;
  return undefined;
}
