import { join } from "node:path";
import { openTable } from "../../../src/adapters/local/table.ts";
import { makeTempDir } from "../../helpers/ports.ts";
import { describeTable } from "../describe-table.ts";

describeTable("SQLite", async () => {
  const folder = makeTempDir();
  const table = openTable({ path: join(folder.path, "yard.db") });
  return {
    port: table,
    cleanup: async () => {
      table.close();
      folder.remove();
    },
  };
});
