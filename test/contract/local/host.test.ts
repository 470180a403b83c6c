import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLocalHost } from "../../../src/adapters/local/host.ts";
import { SECRET_HEADER } from "../../../src/contract/replica.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { describeHost } from "../describe-host.ts";

describeHost("processes of this machine", async () => {
  const folder = makeTempDir();
  const program = fileURLToPath(new URL("../../../src/serving/main.ts", import.meta.url));
  const serverFile = join(folder.path, "server.json");
  const host = openLocalHost({ program, dataDir: folder.path, serverFile, env: process.env });
  return {
    host,
    environmentRef: (laptop) => laptop,
    async ask(address, secret, body) {
      const headers = { [SECRET_HEADER]: secret, "content-type": "application/json" };
      const answer = await fetch(`${address}/score`, { method: "POST", headers, body });
      return [answer.status, await answer.text()];
    },
    async cleanup() {
      await host.close();
      folder.remove();
    },
  };
});
