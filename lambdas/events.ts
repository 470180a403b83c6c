import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { compose } from "./home/compose.ts";
import { openGround } from "./home/ground.ts";
import { hideFor } from "./home/queue.ts";
import { readSettings } from "./home/settings.ts";

const settings = readSettings(process.env);
const ground = openGround(settings);
const home = compose(ground, settings);

/** Handles messages of the home's queue, each by itself: those that have to come again are named in the answer. */
export async function handler({ Records }: SQSEvent): Promise<SQSBatchResponse> {
  const failed = await Promise.all(
    Records.map(async ({ messageId, body, receiptHandle }) => {
      try {
        const outcome = await home.consume({ copyId: messageId, text: body });
        if (outcome.kind === "done") return [];
        await hideFor(settings.queueUrl, receiptHandle, outcome.delaySec);
      } catch (error) {
        ground.log.fault("a message could not be handled", error, { messageId });
      }
      return [{ itemIdentifier: messageId }];
    }),
  );
  await home.settle();
  return { batchItemFailures: failed.flat() };
}
