import { join } from "node:path";
import { openBus } from "../../../src/adapters/local/bus.ts";
import { openDatabase } from "../../../src/adapters/local/database.ts";
import { openTimer } from "../../../src/adapters/local/timer.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { describeBus, TEST_RETRY } from "../describe-bus.ts";
import { describeTimer } from "../describe-timer.ts";

describeBus("SQLite", async () => {
  const folder = makeTempDir();
  return {
    open: async () => ({
      bus: openBus({ path: join(folder.path, "yard.db"), retry: TEST_RETRY }),
      close: async () => undefined,
    }),
    cleanup: async () => folder.remove(),
  };
});

describeTimer("SQLite", async () => {
  const folder = makeTempDir();
  return {
    async open() {
      const database = openDatabase({ path: join(folder.path, "yard.db") });
      const bus = openBus({ database });
      const timer = openTimer({ database, bus });
      return {
        timer,
        bus,
        async close() {
          await timer.close();
          await bus.close();
          database.close();
        },
      };
    },
    cleanup: async () => folder.remove(),
  };
});
