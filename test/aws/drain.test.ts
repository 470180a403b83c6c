import { CreateRepositoryCommand, ECRClient } from "@aws-sdk/client-ecr";
import { EventBridgeClient, ListRulesCommand } from "@aws-sdk/client-eventbridge";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  ListSchedulesCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bucketDrainer } from "../../src/adapters/aws/drain/bucket.ts";
import { type Drainer, drain } from "../../src/adapters/aws/drain/drain.ts";
import { repositoriesOf, repositoryDrainer } from "../../src/adapters/aws/drain/repositories.ts";
import { ruleDrainer } from "../../src/adapters/aws/drain/rules.ts";
import { scheduleDrainer } from "../../src/adapters/aws/drain/schedules.ts";
import { placesIn, storageDrainer } from "../../src/adapters/aws/drain/storage.ts";
import { topicDrainer } from "../../src/adapters/aws/drain/topics.ts";
import { openEventRules } from "../../src/adapters/aws/event-rules.ts";
import { mailboxTopics, openTopics } from "../../src/adapters/aws/topics.ts";
import { AppError } from "../../src/contract/errors.ts";
import type { StorageRecord } from "../../src/core/workspaces/ports.ts";
import { AWS, startMinistack } from "./ministack.ts";

let emulator: Awaited<ReturnType<typeof startMinistack>>;

beforeAll(async () => {
  emulator = await startMinistack();
});
afterAll(() => emulator?.stop());

const inTime = { leftMs: () => 60_000, pauseMs: 1 };

test("empties a bucket of every version, so that it can go; one that is gone is empty", async () => {
  const s3 = new S3Client({ ...AWS, endpoint: emulator.endpoint, forcePathStyle: true });
  const bucket = "of-a-home";
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: "Enabled" } }));
  for (const Body of ["one", "two"]) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: "a/b", Body }));
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "a/b" }));

  await drain({ drainers: [bucketDrainer({ client: s3, bucket })], ...inTime });

  await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
  expect(await bucketDrainer({ client: s3, bucket }).step()).toEqual([]);
});

test("deletes the home's repositories, and no one else's", async () => {
  const ecr = new ECRClient({ ...AWS, endpoint: emulator.endpoint });
  for (const repositoryName of ["yard/environments", "yard/public/node", "yardstick/images"])
    await ecr.send(new CreateRepositoryCommand({ repositoryName }));
  expect(await repositoriesOf({ client: ecr, home: "yard" })).toEqual(["yard/environments", "yard/public/node"]);

  await drain({ drainers: [repositoryDrainer({ client: ecr, home: "yard" })], ...inTime });

  expect(await repositoriesOf({ client: ecr, home: "yard" })).toEqual([]);
  expect(await repositoriesOf({ client: ecr, home: "yardstick" })).toEqual(["yardstick/images"]);
});

test("takes the home's timers with their group, and no one else's", async () => {
  const client = new SchedulerClient({ ...AWS, endpoint: emulator.endpoint });
  for (const group of ["yard", "yardstick"]) {
    await client.send(new CreateScheduleGroupCommand({ Name: group }));
    await client.send(
      new CreateScheduleCommand({
        Name: "trainyard-1",
        GroupName: group,
        ScheduleExpression: "at(2100-01-01T00:00:00)",
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: { Arn: "arn:aws:sqs:us-east-1:000000000000:q", RoleArn: "arn:aws:iam::000000000000:role/r" },
      }),
    );
  }

  await drain({ drainers: [scheduleDrainer({ client, group: "yard" })], ...inTime });

  const { Schedules = [] } = await client.send(new ListSchedulesCommand({}));
  expect(Schedules.map(({ GroupName }) => GroupName)).toEqual(["yardstick"]);
  expect(await scheduleDrainer({ client, group: "yard" }).step()).toEqual([]);
});

test("takes the rules of the home's triggers, and no one else's", async () => {
  const client = new EventBridgeClient({ ...AWS, endpoint: emulator.endpoint });
  const queueArn = "arn:aws:sqs:us-east-1:000000000000:q";
  const body = { workspace: "w", name: "n" };
  for (const home of ["yard", "yardstick"])
    await openEventRules({ client, home, queueArn }).put({ name: "1", pattern: { source: ["x"] }, topic: "t", body });

  await drain({ drainers: [ruleDrainer({ client, home: "yard" })], ...inTime });

  const { Rules = [] } = await client.send(new ListRulesCommand({}));
  expect(Rules.map(({ Name }) => Name)).toEqual(["yardstick-trigger-1"]);
  await openEventRules({ client, home: "yardstick", queueArn }).remove("1");
  await openEventRules({ client, home: "yardstick", queueArn }).remove("1");
  expect((await client.send(new ListRulesCommand({}))).Rules).toEqual([]);
});

test("takes the topics of the home's mailboxes, which are sent what is meant for them, and no one else's", async () => {
  const client = new SNSClient({ ...AWS, endpoint: emulator.endpoint });
  const queueArn = "arn:aws:sqs:us-east-1:000000000000:q";
  for (const home of ["yard", "yardstick"]) {
    const topics = openTopics({ client, home, queueArn });
    await topics.subscribe("somebody@example.com");
    await topics.subscribe("somebody@example.com");
    await topics.publish({ address: "Somebody@example.com" }, "a – subject\n", "text");
    expect(() => topics.check(`arn:aws:sns:us-east-1:000000000000:${home}-mine`)).not.toThrow();
    expect(() => topics.check("arn:aws:sns:us-east-1:000000000001:yard-mine")).toThrow("not meant for this home");
  }

  await drain({ drainers: [topicDrainer({ client, home: "yard" })], ...inTime });

  expect(await mailboxTopics(client, "yard")).toEqual([]);
  expect(await mailboxTopics(client, "yardstick")).toHaveLength(1);
});

test("frees what workspaces have of their own, one after the other, and names the one that takes long", async () => {
  const place = (arn: string, isOwn = true) => ({ arn, isOwn });
  const records: StorageRecord[] = ["a", "b"].map((workspace) => ({
    workspace,
    state: "there",
    sinceMs: 1,
    places: { bucket: place(`arn:aws:s3:::${workspace}`), secret: place("arn:s", false) },
  }));
  const freed: string[] = [];
  let tries = 0;
  const free = async (workspace: string) => {
    if (workspace === "b" && tries++ === 0) throw new AppError("Unavailable", "it is being emptied");
    freed.push(workspace);
  };
  const drainer = storageDrainer({ storages: { list: async () => records }, storage: { free } });

  expect([await drainer.step(), await drainer.step(), await drainer.step()]).toEqual([
    ["storage of workspace b"],
    [],
    [],
  ]);
  expect(freed).toEqual(["a", "b"]);
  expect(placesIn(records).slice(0, 2)).toEqual([
    "bucket arn:aws:s3:::a of workspace a",
    "adopted secret arn:s of workspace a",
  ]);
});

test("what does not go in time is named, and what to do", async () => {
  const stubborn: Drainer = { step: async () => ["queue q"] };

  const drained = drain({ drainers: [stubborn], leftMs: () => 20_000, pauseMs: 1 });

  await expect(drained).rejects.toThrow("still going away: queue q; `cdk destroy` again");
});
