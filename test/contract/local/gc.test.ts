import { join } from "node:path";
import { openHome } from "../../../src/adapters/local/home.ts";
import { makeActivityWrite } from "../../../src/store/activities.ts";
import { watchTable } from "../../../src/store/table-watch.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { describeGc } from "../describe-gc.ts";

describeGc("the laptop", async () => {
  const temp = makeTempDir();
  let offset = 0;
  const clock = { now: () => Date.now() + offset };
  const dataDir = join(temp.path, "home");
  const home = await openHome({ dir: dataDir, clock });
  return {
    ground: {
      ...home,
      table: watchTable(home.table),
      settings: { port: 0, dataDir, programs: { runner: "", serving: "" }, runnerBundle: undefined, urlMap: undefined },
      activity: makeActivityWrite(home),
      log: { info: () => undefined, fault: () => undefined },
      address: () => "http://home.test",
    },
    shift: (ms) => {
      offset += ms;
    },
    async cleanup() {
      await home.close();
      temp.remove();
    },
  };
});
