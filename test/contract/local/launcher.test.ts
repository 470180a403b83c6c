import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeLocalLauncher } from "../../../src/adapters/local/launcher.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { describeLauncher } from "../describe-launcher.ts";
import { openTinyRunners, TINY_RUNNER } from "../tiny-runners.ts";

describeLauncher("processes of this machine", async () => {
  const folder = makeTempDir();
  const program = join(folder.path, "runner.mjs");
  writeFileSync(program, TINY_RUNNER);
  const runners = await openTinyRunners();
  const serverFile = join(folder.path, "server.json");
  const open = () => makeLocalLauncher({ program, dataDir: folder.path, serverFile, env: process.env, standby: false });
  return {
    runners,
    compute: { name: "local", type: "local", settings: {} },
    open,
    hold: async () => runners.hold(),
    async forget(handle) {
      await open().cleanup(handle);
      return handle;
    },
    async cleanup() {
      runners.close();
      folder.remove();
    },
  };
});
