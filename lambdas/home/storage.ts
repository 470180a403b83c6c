import { ECRClient } from "@aws-sdk/client-ecr";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { StorageSettings } from "../../src/adapters/aws/storage/settings.ts";
import { openStorage } from "../../src/adapters/aws/storage/storage.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import type { Ground } from "../../src/home/part.ts";
import { SETTLE_MS } from "../../src/store/workspace-storage.ts";

/** Storage of workspaces' own. */
export function openHomeStorage({
  settings,
  hasOneEndpoint,
  clock,
  ids,
}: Pick<Ground, "clock" | "ids"> & {
  readonly settings: StorageSettings;
  readonly hasOneEndpoint: boolean;
}): Storage {
  return openStorage({
    s3: new S3Client({ forcePathStyle: hasOneEndpoint, requestChecksumCalculation: "WHEN_REQUIRED" }),
    kms: new KMSClient({}),
    secrets: new SecretsManagerClient({}),
    ecr: new ECRClient({}),
    settings,
    newId: ids.hex32,
    now: clock.now,
    settleMs: SETTLE_MS,
  });
}
