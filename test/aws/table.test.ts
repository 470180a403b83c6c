import { describeTable } from "../contract/describe-table.ts";
import { startMinistack } from "./ministack.ts";
import { makeTable } from "./tables.ts";

describeTable(
  "DynamoDB",
  async () => {
    const emulator = await startMinistack();
    const { table, close } = await makeTable(emulator.endpoint);
    return {
      port: table,
      cleanup: async () => {
        close();
        await emulator.stop();
      },
    };
  },
  { quirks: { indexLags: true } },
);
