import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { openHomeKey } from "../../src/adapters/aws/home-key.ts";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import { openSigner } from "../../src/adapters/aws/signer.ts";
import { openTable } from "../../src/adapters/aws/table.ts";
import { openVault } from "../../src/adapters/aws/vault.ts";
import { makeClock } from "../../src/adapters/node/clock.ts";
import { makeIds } from "../../src/adapters/node/ids.ts";
import type { Ground } from "../../src/home/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { makeLog } from "./log.ts";
import type { Settings } from "./settings.ts";

/** The AWS home's adapters. Connections are made with the first call that needs them. */
export function openGround(settings: Settings): Ground {
  const { tableName, bucketName, vaultKeyArn, apiUrl, hasOneEndpoint } = settings;
  const s3 = new S3Client({ forcePathStyle: hasOneEndpoint, requestChecksumCalculation: "WHEN_REQUIRED" });
  const homeKey = openHomeKey({ client: new SecretsManagerClient({}), secretId: vaultKeyArn });
  const table = openTable({ client: new DynamoDBClient({}), tableName });
  const clock = makeClock();
  const ids = makeIds();
  return {
    table,
    objects: openObjects({ client: s3, bucket: bucketName }),
    vault: openVault({ table, homeKey }),
    signer: openSigner({ homeKey }),
    clock,
    ids,
    activity: makeActivityWrite({ clock, ids }),
    log: makeLog(),
    address: () => apiUrl,
  };
}
