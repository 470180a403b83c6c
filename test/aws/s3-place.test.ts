import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeS3Place } from "../../src/adapters/datastores/s3.ts";
import { describePlace } from "../contract/describe-place.ts";
import { expectCode, unique } from "../helpers/ports.ts";
import { AWS, startMinistack } from "./ministack.ts";

describe("S3", () => {
  let emulator: Awaited<ReturnType<typeof startMinistack>>;
  const bucket = unique("bucket");
  beforeAll(async () => {
    emulator = await startMinistack();
    const client = new S3Client({ ...AWS, endpoint: emulator.endpoint, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });
  afterAll(() => emulator.stop());

  const placeAt = (prefix: string, name = bucket) =>
    makeS3Place({
      bucket: name,
      prefix,
      region: AWS.region,
      endpoint: emulator.endpoint,
      credentials: { access_key_id: "test", secret_access_key: "test" },
      allowPrivate: true,
    });

  describePlace("a prefix of an S3 bucket", async () => ({
    port: placeAt(unique("prefix")),
    cleanup: async () => undefined,
  }));

  it("gives addresses that clients read and write by themselves", async () => {
    const place = placeAt(unique("signed"));
    const target = await place.signWrite?.("f");

    await fetch(target?.url ?? "", { method: "PUT", body: "direct" });

    const [file] = (await place.list("f", { limit: 1 }))?.files ?? [];
    expect(await (await fetch(file?.signed?.url ?? "")).text()).toBe("direct");
  });

  it("says in words that a bucket is not there", async () => {
    await expectCode(() => placeAt("", unique("nobody")).list("", { limit: 1 }), "DatastoreUnreachable");
  });
});
