import { S3Client } from "@aws-sdk/client-s3";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import { spreadObjects, tellLoss } from "../../src/adapters/aws/objects-spread.ts";
import { nameOfArn } from "../../src/adapters/aws/storage/settings.ts";
import type { Objects } from "../../src/core/ports/objects.ts";
import type { PlacesOf } from "../../src/store/workspace-storage.ts";
import type { Settings } from "./settings.ts";

/** The home's bucket, and those of workspaces that have one of their own. */
export function openBuckets(
  { bucketName, hasOneEndpoint }: Pick<Settings, "bucketName" | "hasOneEndpoint">,
  placesOf: PlacesOf,
): Objects {
  const client = new S3Client({ forcePathStyle: hasOneEndpoint, requestChecksumCalculation: "WHEN_REQUIRED" });
  const known = new Map<string, Objects>();
  return spreadObjects(openObjects({ client, bucket: bucketName }), async (workspace) => {
    const { bucket } = (await placesOf(workspace)) ?? {};
    if (bucket === undefined) return undefined;
    const name = nameOfArn(bucket.arn);
    const objects = known.get(name) ?? tellLoss(openObjects({ client, bucket: name }), name);
    known.set(name, objects);
    return objects;
  });
}
