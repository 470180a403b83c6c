import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import { openHome } from "../../src/adapters/local/home.ts";
import { makeActivityWrite } from "../../src/store/activities.ts";
import { describeGc } from "../contract/describe-gc.ts";
import { makeTempDir, unique } from "../helpers/ports.ts";
import { AWS, startMinistack } from "./ministack.ts";
import { makeTable } from "./tables.ts";

/** Records and bytes are in AWS; what gc has nothing to do with is the laptop's. */
describeGc("DynamoDB and S3", async () => {
  const emulator = await startMinistack();
  const { endpoint } = emulator;
  const { table, close } = await makeTable(endpoint);
  const client = new S3Client({ ...AWS, endpoint, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" });
  const bucket = unique("gc");
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const temp = makeTempDir();
  let offset = 0;
  const clock = { now: () => Date.now() + offset };
  const dataDir = join(temp.path, "home");
  const home = await openHome({ dir: dataDir, clock });
  return {
    ground: {
      ...home,
      table,
      objects: openObjects({ client, bucket }),
      settings: { port: 0, dataDir, programs: { runner: "", serving: "" }, runnerBundle: undefined, urlMap: undefined },
      activity: makeActivityWrite(home),
      log: { info: () => undefined, fault: () => undefined },
      address: () => "http://home.test",
    },
    shift: (ms) => {
      offset += ms;
    },
    async cleanup() {
      await home.close();
      close();
      client.destroy();
      await emulator.stop();
      temp.remove();
    },
  };
});
