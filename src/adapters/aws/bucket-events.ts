import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { rethrowFrom } from "./fault.ts";

/** Has a bucket tell EventBridge of its objects, beside all that it tells others already. */
export async function tellEventBridge(client: S3Client, bucket: string): Promise<void> {
  const refused = rethrowFrom(`bucket \`${bucket}\``);
  const { $metadata: _, ...known } = await client
    .send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }))
    .catch(refused);
  if (known.EventBridgeConfiguration !== undefined) return;
  await client
    .send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: bucket,
        NotificationConfiguration: { ...known, EventBridgeConfiguration: {} },
        // What others are told was checked when they asked for it.
        SkipDestinationValidation: true,
      }),
    )
    .catch(refused);
}
