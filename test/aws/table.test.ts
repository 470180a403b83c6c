import { describeTable } from "../contract/describe-table.ts";
import { openAws } from "./aws.ts";
import { openTableIn } from "./tables.ts";

describeTable(
  "DynamoDB",
  async () => {
    const aws = await openAws();
    return { port: await openTableIn(aws), cleanup: aws.stop };
  },
  { quirks: { indexLags: true } },
);
