import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { Copy, Outcome } from "./bus-consumer.ts";
import { decodeEnvelope } from "./bus-envelope.ts";

/** Handlers of one topic under way at once. */
const CONCURRENCY = 8;
/** Copies of one topic that wait in memory; more go back to the queue, so that they hold up no other topic. */
const WAITING = 16;
const HIDE_SEC = 60;
const TROUBLE_PAUSE_MS = 1_000;

interface Held extends Copy {
  receipt: string;
  readonly topic: string;
}

interface Lane {
  running: number;
  readonly waiting: Held[];
}

/**
 * Takes copies out of a queue for a process that has no service to do so for it. In Lambda the service does; a poller is what tests and a
 * person's own machine use.
 */
export function startPoller(options: {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly consume: (copy: Copy) => Promise<Outcome>;
}): { close(): Promise<void> } {
  const { client, queueUrl: QueueUrl, consume } = options;
  const held = new Map<string, Held>();
  const lanes = new Map<string, Lane>();
  const underWay = new Set<Promise<void>>();
  let closing = false;

  /** Copies in hand stay ours while they wait and run. */
  const keeper = setInterval(
    () => {
      for (const copy of held.values()) hide(copy, HIDE_SEC).catch(() => undefined);
    },
    (HIDE_SEC * 1000) / 3,
  );
  keeper.unref();

  function hide(copy: Held, VisibilityTimeout: number): Promise<unknown> {
    return client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: copy.receipt, VisibilityTimeout }),
    );
  }

  async function poll(): Promise<void> {
    while (!closing) {
      try {
        const answer = await client.send(
          // A receive that is cut off may have taken messages along: it is kept short, and always waited for.
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 1,
            VisibilityTimeout: HIDE_SEC,
          }),
        );
        for (const { MessageId = "", Body = "", ReceiptHandle = "" } of answer.Messages ?? []) {
          await accept(MessageId, Body, ReceiptHandle);
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, TROUBLE_PAUSE_MS));
      }
    }
  }

  async function accept(copyId: string, text: string, receipt: string): Promise<void> {
    const known = held.get(copyId);
    if (known !== undefined) {
      known.receipt = receipt;
      return;
    }
    const { topic } = decodeEnvelope(text).message;
    const copy: Held = { copyId, text, receipt, topic };
    const lane = lanes.get(topic) ?? { running: 0, waiting: [] };
    lanes.set(topic, lane);
    if (closing || lane.waiting.length >= WAITING) {
      await hide(copy, closing ? 0 : 1);
      return;
    }
    held.set(copyId, copy);
    lane.waiting.push(copy);
    next(lane);
  }

  function next(lane: Lane): void {
    if (closing || lane.running >= CONCURRENCY) return;
    const copy = lane.waiting.shift();
    if (copy === undefined) return;
    lane.running += 1;
    const running = run(copy).finally(() => {
      lane.running -= 1;
      underWay.delete(running);
      next(lane);
    });
    underWay.add(running);
  }

  async function run(copy: Held): Promise<void> {
    try {
      const outcome = await consume(copy);
      held.delete(copy.copyId);
      if (outcome.kind === "later") await hide(copy, outcome.delaySec);
      else await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: copy.receipt }));
    } catch {
      // Not handled, or its outcome not told: it comes again by itself.
      held.delete(copy.copyId);
    }
  }

  const polling = poll();
  return {
    async close() {
      closing = true;
      clearInterval(keeper);
      await polling;
      const waiting = [...lanes.values()].flatMap((lane) => lane.waiting.splice(0));
      await Promise.allSettled(waiting.map((copy) => hide(copy, 0)));
      await Promise.all(underWay);
    },
  };
}
