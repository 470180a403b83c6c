import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { compose } from "./home/compose.ts";
import { openGround } from "./home/ground.ts";
import { handleRecords } from "./home/handle-records.ts";
import { hideFor } from "./home/queue.ts";
import { readSettings } from "./home/settings.ts";

const settings = readSettings(process.env);
const ground = openGround(settings);
const { consume, settle } = compose(ground, settings);
const hide = (receipt: string, delaySec: number) => hideFor(settings.queueUrl, receipt, delaySec);

/** Handles messages of the home's queue. */
export async function handler({ Records }: SQSEvent): Promise<SQSBatchResponse> {
  const answer = await handleRecords(Records, { consume, hide, log: ground.log });
  // Should this fail, all of them come again, and with them what they made necessary.
  await settle();
  return answer;
}
