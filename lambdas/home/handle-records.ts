import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import type { Copy, Outcome } from "../../src/adapters/aws/bus-consumer.ts";
import type { Log } from "../../src/home/part.ts";

/** Handles copies of messages, each by itself: those that have to come again are named in the answer, the others are done with. */
export async function handleRecords(
  records: readonly Pick<SQSRecord, "messageId" | "body" | "receiptHandle">[],
  by: {
    readonly consume: (copy: Copy) => Promise<Outcome>;
    /** Has a copy handed out again after so long. */
    readonly hide: (receiptHandle: string, delaySec: number) => Promise<void>;
    readonly log: Log;
  },
): Promise<SQSBatchResponse> {
  const again = await Promise.all(
    records.map(async ({ messageId, body, receiptHandle }) => {
      try {
        const outcome = await by.consume({ copyId: messageId, text: body });
        if (outcome.kind === "done") return [];
        await by.hide(receiptHandle, outcome.delaySec);
      } catch (error) {
        by.log.fault("a message could not be handled", error, { messageId });
      }
      return [{ itemIdentifier: messageId }];
    }),
  );
  return { batchItemFailures: again.flat() };
}
