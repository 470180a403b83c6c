import { STSClient } from "@aws-sdk/client-sts";
import { type LendingSettings, makeCredentials } from "../../src/adapters/aws/credentials.ts";
import { nameOfArn } from "../../src/adapters/aws/storage/settings.ts";
import type { Credentials } from "../../src/core/ports/credentials.ts";
import type { PlacesOf } from "../../src/store/workspace-storage.ts";

/** Rights to a run's own objects. */
export function openCredentials(settings: LendingSettings, bucket: string, placesOf: PlacesOf): Credentials {
  const ownOf = async (workspace: string) => {
    const { bucket, key } = (await placesOf(workspace)) ?? {};
    if (bucket === undefined) return undefined;
    return { bucket: nameOfArn(bucket.arn), ...(key === undefined ? {} : { keyArn: key.arn }) };
  };
  return makeCredentials({ sts: new STSClient({}), bucket, settings, ownOf });
}
