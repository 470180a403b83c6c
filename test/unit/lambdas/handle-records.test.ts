import { expect, test } from "vitest";
import { handleRecords } from "../../../lambdas/home/handle-records.ts";

test("only the messages that have to come again are named: one that is not due, and one that can't be read", async () => {
  const hidden: unknown[] = [];
  const faults: unknown[] = [];
  const records = ["done", "early", "broken"].map((id) => ({
    messageId: id,
    body: `{${id}`,
    receiptHandle: `r-${id}`,
  }));

  const answer = await handleRecords(records, {
    async consume({ copyId }) {
      if (copyId === "broken") throw new Error("no envelope");
      return copyId === "early" ? { kind: "later", delaySec: 30 } : { kind: "done" };
    },
    hide: async (...asked) => void hidden.push(asked),
    log: { info: () => undefined, fault: (_, error, about) => void faults.push([String(error), about]) },
  });

  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "early" }, { itemIdentifier: "broken" }] });
  expect(hidden).toEqual([["r-early", 30]]);
  expect(faults).toEqual([["Error: no envelope", { messageId: "broken" }]]);
});
