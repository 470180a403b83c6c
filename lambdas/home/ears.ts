import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { tellEventBridge } from "../../src/adapters/aws/bucket-events.ts";
import { type EventRules, openEventRules } from "../../src/adapters/aws/event-rules.ts";

export interface BucketEars {
  readonly rules: EventRules;
  /** Has a bucket tell of its objects. */
  listenTo(bucket: string): Promise<void>;
}

/** What hears events of the account. */
export function openEars({ home, queueArn }: { readonly home: string; readonly queueArn: string }): BucketEars {
  const rules = openEventRules({ client: new EventBridgeClient({}), home, queueArn });
  const s3 = new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined });
  return { rules, listenTo: (bucket) => tellEventBridge(s3, bucket) };
}
