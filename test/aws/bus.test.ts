import { randomBytes } from "node:crypto";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateQueueCommand, DeleteQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AwsBus, openBus } from "../../src/adapters/aws/bus.ts";
import { openTimer } from "../../src/adapters/aws/timer.ts";
import type { Delivery } from "../../src/core/ports/bus.ts";
import { describeBus, TEST_RETRY } from "../contract/describe-bus.ts";
import { describeTimer } from "../contract/describe-timer.ts";
import { unique, until } from "../helpers/ports.ts";
import { type Aws, openAws } from "./aws.ts";
import { openTableIn } from "./tables.ts";

let aws: Aws;
let sqs: SQSClient;
let scheduler: SchedulerClient;

beforeAll(async () => {
  aws = await openAws();
  sqs = new SQSClient(aws.config);
  scheduler = new SchedulerClient(aws.config);
  aws.later(() => sqs.destroy());
  aws.later(() => scheduler.destroy());
});

afterAll(() => aws.stop());

/** A queue and a table; each `bus` over them is a process of its own. */
async function makeGround(retry?: typeof TEST_RETRY) {
  const { QueueUrl = "" } = await sqs.send(
    new CreateQueueCommand({ QueueName: unique("queue"), tags: { ...aws.tags } }),
  );
  aws.later(() => sqs.send(new DeleteQueueCommand({ QueueUrl })));
  const table = await openTableIn(aws);
  const attributes = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  return {
    bus: () => openBus({ client: sqs, queueUrl: QueueUrl, table, ...(retry === undefined ? {} : { retry }) }),
    timer: (bus: AwsBus, fromMs?: number) =>
      openTimer({
        table,
        bus,
        scheduler: {
          client: scheduler,
          queueArn: attributes.Attributes?.QueueArn ?? "",
          roleArn: aws.schedulerRoleArn,
        },
        ...(fromMs === undefined ? {} : { fromMs }),
      }),
  };
}

describeBus("SQS", async () => {
  const ground = await makeGround(TEST_RETRY);
  return {
    open: async () => ({ bus: ground.bus(), close: async () => undefined }),
    cleanup: async () => undefined,
  };
});

describeTimer("SQS and EventBridge Scheduler", async () => {
  const ground = await makeGround();
  return {
    async open() {
      const bus = ground.bus();
      return { bus, timer: ground.timer(bus), close: () => bus.close() };
    },
    cleanup: async () => undefined,
  };
});

describe("SQS in particular", () => {
  test("carries the largest body there is, however long its JSON", async () => {
    const ground = await makeGround();
    const bus = ground.bus();
    const bodies = [randomBytes(130_000).toString("hex"), "\u0001".repeat(262_000)].map((text) => ({ text }));
    const got = new Map<string, Delivery["body"]>();
    bus.subscribe("t", async ({ id, body }) => void got.set(id, body));
    await bus.start();

    await bus.send(bodies.map((body, at) => ({ topic: "t", id: String(at), body })));
    await until(() => got.size === 2, "both messages");

    expect([got.get("0"), got.get("1")]).toEqual(bodies);
    await bus.close();
  });

  test("a copy handed out twice is handled once by the service that takes copies out", async () => {
    const ground = await makeGround();
    const bus = ground.bus();
    const got: number[] = [];
    bus.subscribe("t", async ({ attempt }) => void got.push(attempt));
    const text = JSON.stringify({ topic: "t", id: "same", body: {} });

    const first = await bus.consume({ copyId: "first", text });
    const second = await bus.consume({ copyId: "second", text });

    expect([first, second]).toEqual([{ kind: "done" }, { kind: "done" }]);
    expect(got).toEqual([1]);
  });

  test("a message that took its process down each time is buried, not tried for ever", async () => {
    const ground = await makeGround(TEST_RETRY);
    const bus = ground.bus();
    const gate = Promise.withResolvers<void>();
    let started = 0;
    bus.subscribe("t", async () => {
      started += 1;
      await gate.promise;
    });
    const copy = { copyId: "copy", text: JSON.stringify({ topic: "t", id: "bad", body: { n: 1 } }) };

    const lost = Array.from({ length: TEST_RETRY.maxAttempts }, async (_, at) => {
      await until(() => started === at, "the attempt before");
      return bus.consume(copy);
    });
    await until(() => started === TEST_RETRY.maxAttempts, "the last attempt");
    const last = await bus.consume(copy);

    expect(last).toEqual({ kind: "done" });
    expect(await bus.deadLetters()).toMatchObject([
      {
        topic: "t",
        id: "bad",
        body: { n: 1 },
        attempt: TEST_RETRY.maxAttempts,
        error: expect.stringContaining("process ended"),
      },
    ]);
    gate.resolve();
    await Promise.all(lost);
  });

  test("a timer far away is a schedule, which fires with its whole body and is gone", async () => {
    const ground = await makeGround();
    const bus = ground.bus();
    const timer = ground.timer(bus, 0);
    const got: Delivery[] = [];
    bus.subscribe("wake", async (delivery) => void got.push(delivery));
    await bus.start();

    await timer.set("kept", Date.now() + 1000, { topic: "wake", id: "w", body: { text: "x".repeat(260_000) } });
    await timer.set("dropped", Date.now() + 1000, { topic: "wake", id: "never", body: {} });
    await timer.cancel("dropped");
    await until(() => got.length > 0, "the schedule", 120_000);

    expect(got).toEqual([{ topic: "wake", id: "w", body: { text: "x".repeat(260_000) }, attempt: 1 }]);
    await bus.close();
  });
});
