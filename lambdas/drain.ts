import { BatchClient } from "@aws-sdk/client-batch";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECRClient } from "@aws-sdk/client-ecr";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SNSClient } from "@aws-sdk/client-sns";
import type { CloudFormationCustomResourceHandler } from "aws-lambda";
import { batchDrainer } from "../src/adapters/aws/drain/batch.ts";
import { bucketDrainer } from "../src/adapters/aws/drain/bucket.ts";
import { drain } from "../src/adapters/aws/drain/drain.ts";
import { functionDrainer } from "../src/adapters/aws/drain/functions.ts";
import { repositoriesOf, repositoryDrainer } from "../src/adapters/aws/drain/repositories.ts";
import { ruleDrainer } from "../src/adapters/aws/drain/rules.ts";
import { scheduleDrainer } from "../src/adapters/aws/drain/schedules.ts";
import { placesIn, storageDrainer } from "../src/adapters/aws/drain/storage.ts";
import { topicDrainer } from "../src/adapters/aws/drain/topics.ts";
import type { StorageSettings } from "../src/adapters/aws/storage/settings.ts";
import { makeClock } from "../src/adapters/node/clock.ts";
import { makeIds } from "../src/adapters/node/ids.ts";
import { openStorageStore } from "../src/store/workspace-storage.ts";
import { openRecords } from "./home/dynamo.ts";
import { makeLog } from "./home/log.ts";
import { openHomeStorage } from "./home/storage.ts";
import { answerStack } from "./middleware/answer-stack.ts";

const log = makeLog();
const hasOneEndpoint = process.env.AWS_ENDPOINT_URL !== undefined;
const home = process.env.STAGE ?? "";
/** Of a home that is not to be kept. */
const bucket = process.env.BUCKET_NAME;
const { STORAGE } = process.env;
const storage = STORAGE
  ? openHomeStorage({
      settings: JSON.parse(STORAGE) as StorageSettings,
      hasOneEndpoint,
      clock: makeClock(),
      ids: makeIds(),
    })
  : undefined;
const batch = new BatchClient({});
const ecr = new ECRClient({});
const sns = new SNSClient({});
const events = new EventBridgeClient({});
const scheduler = new SchedulerClient({});

/** Takes away what the home made at run time, before the roles and the network that this uses; only when the stack goes. */
export const handler: CloudFormationCustomResourceHandler = (event, context) =>
  answerStack(event, `drain-${home}`, async () => {
    if (event.RequestType !== "Delete") return "nothing is drained before the home goes";
    try {
      const said = await drainHome(() => context.getRemainingTimeInMillis());
      log.info(said);
      return said;
    } catch (error) {
      log.fault("the home could not be drained", error);
      throw error;
    }
  });

async function drainHome(leftMs: () => number): Promise<string> {
  const storages = openStorageStore({ table: openRecords(process.env.TABLE_NAME ?? "") });
  const own = placesIn(await storages.list());
  const drainers = [
    ruleDrainer({ client: events, home }),
    topicDrainer({ client: sns, home }),
    scheduleDrainer({ client: scheduler, group: home }),
    batchDrainer({ client: batch, home }),
    functionDrainer({ lambda: new LambdaClient({}), logs: new CloudWatchLogsClient({}), home }),
  ];
  if (bucket === undefined) {
    await drain({ drainers, leftMs });
    const kept = await repositoriesOf({ client: ecr, home });
    return `kept: the table, the buckets, the home's key${kept.map((name) => `, images in ${name}`).join("")}${own.map((each) => `, ${each}`).join("")}`;
  }
  const s3 = new S3Client({ forcePathStyle: hasOneEndpoint });
  await drain({
    drainers: [
      ...drainers,
      ...(storage === undefined ? [] : [storageDrainer({ storages, storage })]),
      repositoryDrainer({ client: ecr, home }),
      bucketDrainer({ client: s3, bucket }),
    ],
    leftMs,
  });
  const adopted = own.filter((each) => each.startsWith("adopted"));
  return `kept: ${adopted.length === 0 ? "nothing" : adopted.join(", ")}`;
}
