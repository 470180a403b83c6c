import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { BatchClient } from "@aws-sdk/client-batch";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { makeActivities } from "../../src/adapters/aws/batch/activities.ts";
import { makeBatchLauncher } from "../../src/adapters/aws/batch/launcher.ts";
import type { TrainingSettings } from "../../src/adapters/aws/batch/settings.ts";
import { launchArrays, signStartCode } from "../../src/core/jobs/start-attempt.ts";
import type { Launcher } from "../../src/core/ports/launcher.ts";
import { SIGNED_SEC } from "../../src/core/ports/objects.ts";
import type { Ground } from "../../src/home/part.ts";
import { openStartStore } from "../../src/store/starts.ts";
import type { RunnerPlace } from "./settings.ts";

/** Runners, as jobs on AWS Batch. */
export function openLauncher(ground: Pick<Ground, "signer" | "table">, settings: TrainingSettings): Launcher {
  const { signer } = ground;
  return makeBatchLauncher({
    batch: new BatchClient({}),
    settings,
    startCode: (of) => signStartCode(signer, of),
    arrays: launchArrays({ signer, starts: openStartStore(ground) }),
    activities: makeActivities(new AutoScalingClient({})),
  });
}

/** An address of the runner's file that is good for some minutes. */
export async function signRunner(
  { bucket, key, sha256 }: RunnerPlace,
  hasOneEndpoint: boolean,
): Promise<{ readonly url: string; readonly sha256: string }> {
  const client = new S3Client({ forcePathStyle: hasOneEndpoint });
  const command = new GetObjectCommand({ Bucket: bucket, Key: key });
  return { url: await getSignedUrl(client, command, { expiresIn: SIGNED_SEC }), sha256 };
}
