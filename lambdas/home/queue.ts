import { ChangeMessageVisibilityCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type AwsBus, openBus } from "../../src/adapters/aws/bus.ts";
import type { Ground } from "../../src/home/part.ts";

const client = new SQSClient({});

/** The home's queue. */
export function openQueue({ table, clock }: Pick<Ground, "table" | "clock">, queueUrl: string): AwsBus {
  return openBus({ client, queueUrl, table, clock });
}

/** Has a message handed out again after so long. */
export async function hideFor(QueueUrl: string, ReceiptHandle: string, VisibilityTimeout: number): Promise<void> {
  await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));
}
