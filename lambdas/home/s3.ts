import { S3Client } from "@aws-sdk/client-s3";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import type { Objects } from "../../src/core/ports/objects.ts";
import type { Settings } from "./settings.ts";

/** The home's bucket. */
export function openBucket({ bucketName, hasOneEndpoint }: Pick<Settings, "bucketName" | "hasOneEndpoint">): Objects {
  const client = new S3Client({ forcePathStyle: hasOneEndpoint, requestChecksumCalculation: "WHEN_REQUIRED" });
  return openObjects({ client, bucket: bucketName });
}
