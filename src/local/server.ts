import { openHome } from "../adapters/local/home.ts";
import { problemResponse } from "../api/problem.ts";
import { signUserToken } from "../core/auth/tokens.ts";
import { makeActivityWrite } from "../store/activities.ts";
import { watchTable } from "../store/table-watch.ts";
import { compose } from "./compose.ts";
import { openHttp } from "./http.ts";
import type { Ground } from "./part.ts";
import { removeServerFile, writeServerFile } from "./server-file.ts";
import { openServerLog } from "./server-log.ts";
import type { Settings } from "./settings.ts";

export interface RunningServer {
  readonly url: string;
  readonly token: string;
  /** Jobs go on and are found by the next start; replicas end and are started again by it. Idempotent. */
  close(): Promise<void>;
}

/** Loaded where people sign in: most laptops know tokens only. */
async function openSignIn({ signIn }: Settings): Promise<Pick<Ground, "signIn">> {
  if (signIn === undefined) return {};
  const { openIdentity } = await import("../adapters/node/oidc.ts");
  return { signIn: { ...signIn, identity: openIdentity(signIn) } };
}

/** Opens the home, listens, writes `server.json`, starts the loops. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  const home = await openHome({ dir: settings.dataDir });
  try {
    const log = openServerLog(settings.dataDir);
    let address = "";
    const ground: Ground = {
      ...home,
      table: watchTable(home.table),
      settings,
      log,
      activity: makeActivityWrite(home),
      address: () => address,
      ...(await openSignIn(settings)),
    };
    const { handle, intercept, start, close: closeParts } = compose(ground);
    const http = await openHttp({
      port: settings.port,
      intercept,
      handle,
      refuse: (error) => problemResponse(error, home.ids.hex32()),
      onFault: (error, about) => log.fault("an answer could not be sent", error, { about }),
    });
    address = http.url;
    home.lock.setAddress(address);
    const token = await signUserToken(home.signer, { name: "owner", roles: { "*": "owner" }, id: "laptop" });
    await start();
    writeServerFile(settings.dataDir, { url: address, token, pid: process.pid, started: new Date().toISOString() });
    log.info("started", { address, pid: process.pid });

    let closing: Promise<void> | undefined;
    const closeAll = async (): Promise<void> => {
      removeServerFile(settings.dataDir);
      await closeParts();
      await http.close();
      await home.close();
      log.info("stopped", { pid: process.pid });
    };
    return {
      url: address,
      token,
      close() {
        closing ??= closeAll();
        return closing;
      },
    };
  } catch (error) {
    await home.close();
    throw error;
  }
}
