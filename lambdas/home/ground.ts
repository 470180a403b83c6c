import type { HomeKey } from "../../src/adapters/aws/home-key.ts";
import { openSigner } from "../../src/adapters/aws/signer.ts";
import type { StorageSettings } from "../../src/adapters/aws/storage/settings.ts";
import { openVault } from "../../src/adapters/aws/vault.ts";
import { makeClock } from "../../src/adapters/node/clock.ts";
import { makeIds } from "../../src/adapters/node/ids.ts";
import type { Identity } from "../../src/core/ports/identity.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import type { Ground } from "../../src/home/part.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { makePlacesOf, type PlacesOf } from "../../src/store/workspace-storage.ts";
import { lazyObjects, lazyStorage, lazyTable, once } from "./lazy.ts";
import { makeLog } from "./log.ts";
import type { Settings } from "./settings.ts";

export interface AwsGround extends Ground {
  readonly placesOf: PlacesOf;
}

/** The AWS home's adapters. Clients are loaded and connections made with the first call that needs them. */
export function openGround(settings: Settings): AwsGround {
  const { tableName, bucketName, vaultKeyArn, apiUrl, hasOneEndpoint, signIn } = settings;
  const homeKey = lazyHomeKey(vaultKeyArn);
  const table = lazyTable(async () => (await import("./dynamo.ts")).openRecords(tableName));
  const clock = makeClock();
  const ids = makeIds();
  const placesOf = makePlacesOf({ table, clock });
  return {
    table,
    objects: lazyObjects(async () => (await import("./s3.ts")).openBuckets({ bucketName, hasOneEndpoint }, placesOf)),
    vault: openVault({ table, homeKey, keyOf: makeKeyOf(placesOf) }),
    placesOf,
    ...(settings.storage === undefined ? {} : { storage: lazyStorageOf(settings, settings.storage, { clock, ids }) }),
    signer: openSigner({ homeKey }),
    clock,
    ids,
    activity: makeActivityWrite({ clock, ids }),
    log: makeLog(),
    address: () => apiUrl,
    ...(signIn === undefined ? {} : { signIn: { ...signIn, identity: lazyIdentity(signIn) } }),
  };
}

/** The home's key, or a workspace's own. */
export function lazyHomeKey(secretId: string): HomeKey {
  const opened = once(async () => (await import("./secret.ts")).openSecret(secretId));
  return { derive: async (purpose) => (await opened()).derive(purpose) };
}

/** Keys of workspaces' own secrets. */
function makeKeyOf(placesOf: PlacesOf): (workspace: string) => Promise<HomeKey | undefined> {
  const known = new Map<string, HomeKey>();
  return async (workspace) => {
    const { secret } = (await placesOf(workspace)) ?? {};
    if (secret === undefined) return undefined;
    const key = known.get(secret.arn) ?? lazyHomeKey(secret.arn);
    known.set(secret.arn, key);
    return key;
  };
}

function lazyStorageOf(
  { hasOneEndpoint }: Settings,
  settings: StorageSettings,
  { clock, ids }: Pick<Ground, "clock" | "ids">,
): Storage {
  return lazyStorage(async () =>
    (await import("./storage.ts")).openHomeStorage({ settings, hasOneEndpoint, clock, ids }),
  );
}

export function lazyIdentity(signIn: { readonly issuer: string; readonly clientId: string }): Identity {
  const opened = once(async () => (await import("../../src/adapters/node/oidc.ts")).openIdentity(signIn));
  return { personOf: async (idToken) => (await opened()).personOf(idToken) };
}
