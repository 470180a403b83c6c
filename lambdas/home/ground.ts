import type { HomeKey } from "../../src/adapters/aws/home-key.ts";
import { openSigner } from "../../src/adapters/aws/signer.ts";
import { openVault } from "../../src/adapters/aws/vault.ts";
import { makeClock } from "../../src/adapters/node/clock.ts";
import { makeIds } from "../../src/adapters/node/ids.ts";
import type { Identity } from "../../src/core/ports/identity.ts";
import type { Ground } from "../../src/home/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { lazyObjects, lazyTable, once } from "./lazy.ts";
import { makeLog } from "./log.ts";
import type { Settings } from "./settings.ts";

/** The AWS home's adapters. Clients are loaded and connections made with the first call that needs them. */
export function openGround(settings: Settings): Ground {
  const { tableName, bucketName, vaultKeyArn, apiUrl, hasOneEndpoint, signIn } = settings;
  const homeKey = lazyHomeKey(vaultKeyArn);
  const table = lazyTable(async () => (await import("./dynamo.ts")).openRecords(tableName));
  const clock = makeClock();
  const ids = makeIds();
  return {
    table,
    objects: lazyObjects(async () => (await import("./s3.ts")).openBucket({ bucketName, hasOneEndpoint })),
    vault: openVault({ table, homeKey }),
    signer: openSigner({ homeKey }),
    clock,
    ids,
    activity: makeActivityWrite({ clock, ids }),
    log: makeLog(),
    address: () => apiUrl,
    ...(signIn === undefined ? {} : { signIn: { ...signIn, identity: lazyIdentity(signIn) } }),
  };
}

function lazyHomeKey(secretId: string): HomeKey {
  const opened = once(async () => (await import("./secret.ts")).openSecret(secretId));
  return { derive: async (purpose) => (await opened()).derive(purpose) };
}

function lazyIdentity(signIn: { readonly issuer: string; readonly clientId: string }): Identity {
  const opened = once(async () => (await import("../../src/adapters/node/oidc.ts")).openIdentity(signIn));
  return { personOf: async (idToken) => (await opened()).personOf(idToken) };
}
