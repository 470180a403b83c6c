import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import { describeObjects } from "../contract/describe-objects.ts";
import { unique } from "../helpers/ports.ts";
import { AWS, startMinistack } from "./ministack.ts";

describeObjects("S3", async () => {
  const emulator = await startMinistack();
  const client = new S3Client({
    ...AWS,
    endpoint: emulator.endpoint,
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  const bucket = unique("objects");
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    port: openObjects({ client, bucket }),
    cleanup: async () => {
      client.destroy();
      await emulator.stop();
    },
  };
});
