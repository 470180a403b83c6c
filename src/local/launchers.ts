import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { makeLocalLauncher } from "../adapters/local/launcher.ts";
import { makeSshLauncher } from "../adapters/ssh/launcher.ts";
import type { Launchers } from "../home/compose-jobs.ts";
import type { Ground } from "./part.ts";
import { serverFilePath } from "./server-file.ts";

/** How this home starts runners: on this machine, and on those attached over SSH. */
export function makeLaunchers(ground: Ground): Launchers {
  const { settings } = ground;
  const listeners: (() => void)[] = [];
  const local = makeLocalLauncher({
    program: settings.programs.runner,
    dataDir: settings.dataDir,
    serverFile: serverFilePath(settings.dataDir),
    env: process.env,
    standby: true,
    onEnded: () => {
      for (const listener of listeners) listener();
    },
  });
  const ssh = makeSshLauncher({
    vault: ground.vault,
    runnerBundle: settings.runnerBundle,
    address: ground.address,
    homeId: createHash("sha256").update(`${hostname()}:${settings.dataDir}`).digest("hex").slice(0, 12),
  });
  return {
    all: [local, ssh],
    noteWithinMs: 250,
    onEnded: (listener) => {
      listeners.push(listener);
    },
    close: () => {
      local.close();
      ssh.close();
    },
  };
}
