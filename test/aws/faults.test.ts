import { BatchClient } from "@aws-sdk/client-batch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makeBatchLauncher } from "../../src/adapters/aws/batch/launcher.ts";
import { openBus } from "../../src/adapters/aws/bus.ts";
import { openHomeKey } from "../../src/adapters/aws/home-key.ts";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import { openTable } from "../../src/adapters/aws/table.ts";
import { openTimer } from "../../src/adapters/aws/timer.ts";
import type { Objects } from "../../src/core/ports/objects.ts";
import { ABSENT, type Item, PRESENT, type Table, type Write } from "../../src/core/ports/table.ts";
import { timerKey } from "../../src/store/facts/keys.ts";
import { type Fault, type Faults, injectFaults, QUICK_RETRY } from "../helpers/aws-faults.ts";
import { expectCode, unique, until } from "../helpers/ports.ts";
import { openEmulator } from "./emulator.ts";
import { AWS, startMinistack } from "./ministack.ts";
import { createTable } from "./tables.ts";
import { TRAINING } from "./training.ts";

/** Those that the SDK repeats, and that must change nothing. */
const PASSING = ["throttled", "unreachable", "lost"] as const satisfies readonly Fault[];
/** More often than the SDK repeats. */
const ALWAYS = 100;

let emulator: Awaited<ReturnType<typeof startMinistack>>;
let clients: {
  readonly batch: BatchClient;
  readonly dynamo: DynamoDBClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly scheduler: SchedulerClient;
  readonly secrets: SecretsManagerClient;
};
let faults: { readonly [K in keyof typeof clients]: Faults };
let table: Table;
let objects: Objects;
let bucket: string;

beforeAll(async () => {
  emulator = await startMinistack();
  const config = { ...AWS, endpoint: emulator.endpoint, retryStrategy: QUICK_RETRY };
  clients = {
    batch: new BatchClient(config),
    dynamo: new DynamoDBClient(config),
    s3: new S3Client({ ...config, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" }),
    sqs: new SQSClient(config),
    scheduler: new SchedulerClient(config),
    secrets: new SecretsManagerClient(config),
  };
  faults = {
    batch: injectFaults(clients.batch),
    dynamo: injectFaults(clients.dynamo),
    s3: injectFaults(clients.s3),
    sqs: injectFaults(clients.sqs),
    scheduler: injectFaults(clients.scheduler),
    secrets: injectFaults(clients.secrets),
  };
  table = openTable({
    client: clients.dynamo,
    tableName: await createTable(clients.dynamo),
    sleep: async () => undefined,
  });
  bucket = unique("faults");
  await clients.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  objects = openObjects({ client: clients.s3, bucket });
});

beforeEach(() => {
  for (const each of Object.values(faults)) each.disarm();
});

afterAll(async () => {
  for (const client of Object.values(clients ?? {})) client.destroy();
  await emulator?.stop();
});

const item = (pk: string, rev: number): Item => ({
  pk,
  sk: "s",
  type: "T",
  v: 1,
  rev,
  bytes: new Uint8Array([rev]),
  list: [rev, { a: null }],
});
const key = (pk: string) => ({ pk, sk: "s" });
const atRev = (value: number) => [{ attr: "rev", op: "eq", value } as const];

/** Each kind of write, on an item of revision 1 (but for what is made), and what stands after it. */
const WRITES: readonly {
  readonly what: string;
  readonly command: string;
  readonly writes: (pk: string) => readonly Write[];
  readonly isNew?: true;
  readonly after: (pk: string) => Item | undefined;
}[] = [
  {
    what: "an item is made",
    command: "PutItem",
    isNew: true,
    writes: (pk) => [{ kind: "put", item: item(pk, 1), when: ABSENT }],
    after: (pk) => item(pk, 1),
  },
  {
    what: "an item is replaced",
    command: "PutItem",
    writes: (pk) => [{ kind: "put", item: item(pk, 2), when: atRev(1) }],
    after: (pk) => item(pk, 2),
  },
  {
    what: "an item is updated",
    command: "UpdateItem",
    writes: (pk) => [{ kind: "update", key: key(pk), set: { rev: 2 }, remove: ["list"], when: atRev(1) }],
    after: (pk) => {
      const { list: _list, ...rest } = item(pk, 1);
      return { ...rest, rev: 2 };
    },
  },
  {
    what: "an item is deleted",
    command: "DeleteItem",
    writes: (pk) => [{ kind: "delete", key: key(pk), when: PRESENT }],
    after: () => undefined,
  },
  {
    what: "two items are written at once",
    command: "TransactWriteItems",
    writes: (pk) => [
      { kind: "update", key: key(pk), add: { rev: 1 }, when: atRev(1) },
      { kind: "put", item: item(`${pk}-other`, 1), when: ABSENT },
    ],
    after: (pk) => ({ ...item(pk, 1), rev: 2 }),
  },
];

describe("the table", () => {
  async function prepared(isNew: true | undefined): Promise<string> {
    const pk = unique("p");
    if (isNew === undefined) await table.transact([{ kind: "put", item: item(pk, 1) }]);
    return pk;
  }

  describe.each(WRITES)("when $what", ({ command, writes, isNew, after }) => {
    test.each(PASSING)("and a request is %s once, it is done once and said to be", async (fault) => {
      const pk = await prepared(isNew);
      faults.dynamo.arm(command, fault);

      const result = await table.transact(writes(pk));

      expect([faults.dynamo.fired(), result]).toEqual([1, { ok: true }]);
      expect(await table.get(key(pk))).toEqual(after(pk));
    });

    test.each([
      ["denied", undefined],
      ["throttled", "Unavailable"],
      ["unreachable", "Unavailable"],
    ] as const)("and every request is %s, nothing is, and it says so", async (fault, code) => {
      const pk = await prepared(isNew);
      const before = await table.get(key(pk));
      faults.dynamo.arm(command, fault, ALWAYS);

      const result = table.transact(writes(pk));

      if (code === undefined) await expect(result).rejects.toThrow("AccessDeniedException");
      else await expectCode(result, code);
      expect(await table.get(key(pk))).toEqual(before);
    });

    test("a rival who was there before is not taken for oneself", async () => {
      const pk = await prepared(isNew);
      await table.transact([{ kind: "put", item: { ...item(pk, 7), rival: true } }]);
      faults.dynamo.arm(command, "unreachable");

      const result = await table.transact(writes(pk));

      // An item that is deleted whatever its revision has no rival.
      expect(result.ok).toBe(command === "DeleteItem");
    });
  });

  test.each([...PASSING, "half"] as const)("reads all that is there when a request is %s once", async (fault) => {
    const pks = await Promise.all([prepared(undefined), prepared(undefined), prepared(undefined)]);
    const read: unknown[] = [];

    for (const command of fault === "half" ? ["BatchGetItem"] : ["GetItem", "BatchGetItem", "Query"]) {
      faults.dynamo.arm(command, fault);
      const [pk = ""] = pks;
      if (command === "GetItem") read.push([await table.get(key(pk))].length);
      if (command === "BatchGetItem") read.push((await table.batchGet(pks.map(key))).length);
      if (command === "Query") read.push((await table.query({ pk })).items.length);
      expect(faults.dynamo.fired()).toBe(1);
    }

    expect(read).toEqual(fault === "half" ? [3] : [1, 3, 1]);
  });

  test("gives up on a batch that is never read to its end", async () => {
    const pk = await prepared(undefined);
    faults.dynamo.arm("BatchGetItem", "half", ALWAYS);

    await expectCode(table.batchGet([key(pk)]), "Unavailable");
  });
});

describe("objects", () => {
  const LARGE = new Uint8Array(9 * 1024 * 1024).fill(7);
  const streamOf = (bytes: Uint8Array) => new Blob([Buffer.from(bytes)]).stream();
  const sizeIn = async (name: string) => (await objects.head(name))?.sizeBytes;
  const unfinished = async () =>
    (await clients.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;

  async function onKept(name: string, act: (name: string) => Promise<unknown>): Promise<unknown> {
    await objects.put(name, new Uint8Array(3));
    return act(name);
  }

  /** Each request of the port, by what makes it; the size of what is there after it. */
  const CALLS: Readonly<Record<string, readonly [act: (name: string) => Promise<unknown>, size: number | undefined]>> =
    {
      PutObject: [(name) => objects.put(name, new Uint8Array(3)), 3],
      CreateMultipartUpload: [(name) => objects.put(name, streamOf(LARGE)), LARGE.byteLength],
      UploadPart: [(name) => objects.put(name, streamOf(LARGE)), LARGE.byteLength],
      CompleteMultipartUpload: [(name) => objects.put(name, streamOf(LARGE)), LARGE.byteLength],
      CopyObject: [(name) => onKept(`${name}-from`, (from) => objects.copy(from, name)), 3],
      DeleteObjects: [(name) => onKept(name, () => objects.delete([name])), undefined],
      GetObject: [(name) => onKept(name, async () => new Response((await objects.get(name))?.body).bytes()), 3],
      HeadObject: [(name) => onKept(name, () => objects.head(name)), 3],
      ListObjectsV2: [(name) => onKept(name, () => objects.list({ prefix: name })), 3],
    };

  test.each(Object.keys(CALLS).flatMap((command) => PASSING.map((fault) => [command, fault] as const)))(
    "%s that is %s once is done",
    async (command, fault) => {
      const [act, size] = CALLS[command] ?? [];
      const name = unique("object");
      faults.s3.arm(command, fault);

      await act?.(name);

      expect(faults.s3.fired()).toBe(1);
      expect(await sizeIn(name)).toBe(size);
    },
  );

  test("that are refused halfway leave nothing behind, and say so", async () => {
    const before = await unfinished();
    for (const command of ["UploadPart", "CompleteMultipartUpload"]) {
      const name = unique("object");
      faults.s3.arm(command, "denied", ALWAYS);
      await expect(objects.put(name, streamOf(LARGE))).rejects.toThrow("AccessDenied");
      expect(await sizeIn(name)).toBeUndefined();
    }

    // One upload may have been begun without its answer, by the tests above; a lifecycle rule ends those.
    expect((await unfinished()) - before).toBe(0);
  });

  test("of which some could not be deleted are told, and can be again", async () => {
    const name = unique("object");
    await objects.put(name, new Uint8Array(1));
    faults.s3.arm("DeleteObjects", "half");

    await expectCode(objects.delete([name]), "Unavailable");
    await objects.delete([name]);

    expect(await sizeIn(name)).toBeUndefined();
  });
});

describe("messages", () => {
  async function makeBus() {
    const { QueueUrl = "" } = await clients.sqs.send(new CreateQueueCommand({ QueueName: unique("queue") }));
    const bus = openBus({ client: clients.sqs, queueUrl: QueueUrl, table });
    const handled: string[] = [];
    bus.subscribe("t", async ({ id }) => void handled.push(id));
    return { bus, handled, messages: [1, 2, 3].map((n) => ({ topic: "t", id: unique(`m${n}`), body: { n } })) };
  }

  test.each([...PASSING, "half", "denied"] as const)("are handled once each when sending is %s", async (fault) => {
    const { bus, handled, messages } = await makeBus();
    faults.sqs.arm("SendMessageBatch", fault);

    const refused = await bus.send(messages).then(
      () => false,
      () => true,
    );
    faults.sqs.disarm();
    // Who is told that it failed sends again.
    if (refused) await bus.send(messages);
    await bus.start();
    await until(() => handled.length >= 3, "every message");
    await bus.close();

    expect(refused).toBe(fault === "half" || fault === "denied");
    expect(handled.toSorted()).toEqual(messages.map(({ id }) => id).toSorted());
  });

  test.each(
    ["ReceiveMessage", "DeleteMessage"].flatMap((command) => PASSING.map((fault) => [command, fault] as const)),
  )("are handled once each when %s is %s", async (command, fault) => {
    const { bus, handled, messages } = await makeBus();
    await bus.send(messages.slice(0, 1));
    // A receive whose answer is lost hides its message for a minute: what is sent after it comes.
    faults.sqs.arm(command, command === "ReceiveMessage" && fault === "lost" ? "throttled" : fault);
    await bus.start();
    await until(() => handled.length === 1, "the message");
    await bus.send(messages);
    await until(() => handled.length === 3, "the others");
    await bus.close();

    expect(handled.toSorted()).toEqual(messages.map(({ id }) => id).toSorted());
  });

  test.each([...PASSING, "denied"] as const)(
    "a timer whose schedule is %s stands, or is said not to",
    async (fault) => {
      const { bus } = await makeBus();
      const scheduler = {
        client: clients.scheduler,
        queueArn: "arn:aws:sqs:us-east-1:000000000000:q",
        roleArn: "arn:aws:iam::000000000000:role/r",
      };
      const timer = openTimer({ table, bus, scheduler, fromMs: 0 });
      const id = unique("timer");
      faults.scheduler.arm("CreateSchedule", fault, fault === "denied" ? ALWAYS : 1);

      const set = timer.set(id, Date.now() + 3_600_000, { topic: "t", id, body: {} });

      if (fault === "denied") await expect(set).rejects.toThrow("AccessDenied");
      else await set;
      expect(await table.get(timerKey(id))).toMatchObject({ type: "TIMER" });
    },
  );
});

describe("jobs on AWS Batch", () => {
  const COMMANDS = [
    "DescribeJobQueues",
    "CreateComputeEnvironment",
    "CreateJobQueue",
    "ListJobs",
    "DescribeJobDefinitions",
    "RegisterJobDefinition",
    "SubmitJob",
    "DescribeJobs",
    "TerminateJob",
  ];

  /** A launcher whose pools and definitions are yet to be made. */
  function makeLauncher() {
    const home = unique("yard");
    const settings = { ...TRAINING, home };
    const launcher = makeBatchLauncher({ batch: clients.batch, settings, startCode: async () => "code", pauseMs: 1 });
    const request = {
      attemptId: "job.1",
      workspace: "w",
      runId: "job",
      apiUrl: emulator.endpoint,
      runToken: "",
      compute: { name: "local", type: "local" as const, settings: {} },
      resources: { instanceCount: 1 },
      image: "image",
    };
    const jobs = async () =>
      (await openEmulator(emulator.endpoint).jobs())
        .filter(({ jobName }) => jobName?.startsWith(`${home}-`))
        .map(({ status }) => status);
    return { launcher, request, jobs };
  }

  beforeAll(async () => {
    await openEmulator(emulator.endpoint).hold({ match: {}, status: "RUNNABLE" });
  });

  test.each(COMMANDS.flatMap((command) => [...PASSING, "denied" as const].map((fault) => [command, fault] as const)))(
    "are one for an attempt, and end when they are canceled, when %s is %s once",
    async (command, fault) => {
      const { launcher, request, jobs } = makeLauncher();
      faults.batch.arm(command, fault);

      // As rounds of a home do: again, when it failed.
      const again = <T>(work: () => Promise<T>): Promise<T> => work().catch(work);
      const { handle } = await again(() => launcher.launch(request));
      const { state } = await again(() => launcher.inspect(handle));
      const live = (await jobs()).filter((status) => status !== "FAILED");
      await again(() => launcher.cancel(handle, 0));

      expect([faults.batch.fired(), state, live]).toEqual([1, "starting", ["RUNNABLE"]]);
      await until(async () => (await jobs()).every((status) => status === "FAILED"), "the end of every job");
    },
  );
});

describe("the home's key", () => {
  test.each([...PASSING, "denied"] as const)("is read in spite of a request that is %s", async (fault) => {
    const secret = { Name: unique("key"), SecretString: "x".repeat(64) };
    const { ARN: secretId = "" } = await clients.secrets.send(new CreateSecretCommand(secret));
    const homeKey = openHomeKey({ client: clients.secrets, secretId });
    faults.secrets.arm("GetSecretValue", fault);

    if (fault === "denied") await expectCode(homeKey.derive("vault"), "Unavailable");

    expect((await homeKey.derive("vault")).symmetricKeySize).toBe(32);
  });
});
