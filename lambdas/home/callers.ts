import { openSigner } from "../../src/adapters/aws/signer.ts";
import { makeClock } from "../../src/adapters/node/clock.ts";
import { makeIds } from "../../src/adapters/node/ids.ts";
import type { JobStore } from "../../src/core/jobs/ports.ts";
import { makeReadToken } from "../../src/home/authenticate.ts";
import { openAccessStores } from "../../src/store/access.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { openRouteReader } from "../../src/store/endpoint-routes.ts";
import { openTokenStore } from "../../src/store/tokens.ts";
import { lazyHomeKey, lazyIdentity } from "./ground.ts";
import { lazyTable, once } from "./lazy.ts";
import { makeLog } from "./log.ts";
import type { ScoreDeps } from "./score.ts";
import { settingsReader, signInOf } from "./settings.ts";

/** What tells who asks an endpoint: records, which are only read, and the home's key. */
export function openCallers(env: Readonly<Record<string, string | undefined>>): Omit<ScoreDeps, "invoker"> {
  const text = settingsReader(env);
  const tableName = text("TABLE_NAME");
  const table = lazyTable(async () => (await import("./dynamo.ts")).openRecords(tableName));
  const clock = makeClock();
  const ids = makeIds();
  const ground = { table, clock, ids, activity: makeActivityWrite({ clock, ids }) };
  const signer = openSigner({ homeKey: lazyHomeKey(text("VAULT_KEY_ARN")) });
  const signIn = signInOf(env);
  const tokens = openTokenStore(ground);
  const jobs = once(async () => (await import("../../src/store/jobs.ts")).openJobStore(ground));
  const stores = {
    ...openAccessStores(ground),
    // A run that scores is rare, and what reads jobs is much.
    jobs: { get: async (...args: Parameters<JobStore["get"]>) => (await jobs()).get(...args) },
    // Scoring writes nothing, so that it leaves no trace of a token's last use.
    tokens: { ...tokens, touch: async () => undefined },
  };
  const identity = signIn === undefined ? {} : { signIn: { ...signIn, identity: lazyIdentity(signIn) } };
  return {
    routes: openRouteReader({ table }),
    signer,
    clock,
    ids,
    log: makeLog(),
    readToken: makeReadToken({ signer, clock, ...identity }, stores),
  };
}
