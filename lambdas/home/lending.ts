import { STSClient } from "@aws-sdk/client-sts";
import { type LendingSettings, makeCredentials } from "../../src/adapters/aws/credentials.ts";
import type { Credentials } from "../../src/core/ports/credentials.ts";

/** Rights to a run's own objects. */
export function openCredentials(settings: LendingSettings, bucket: string): Credentials {
  return makeCredentials({ sts: new STSClient({}), bucket, settings });
}
