import { createHash } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  PutBucketTaggingCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openObjects } from "../../src/adapters/aws/objects.ts";
import { describeObjects, pieces, textOf, utf8 } from "../contract/describe-objects.ts";
import { unique } from "../helpers/ports.ts";
import { openAws } from "./aws.ts";

const MEGABYTE = 1024 * 1024;

async function openBucket() {
  const aws = await openAws();
  const client = new S3Client({
    ...aws.config,
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  const bucket = unique("objects");
  const port = openObjects({ client, bucket });
  aws.later(() => client.destroy());
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  aws.later(async () => {
    for (let found = await port.list({ prefix: "" }); found.objects.length > 0; found = await port.list({ prefix: "" }))
      await port.delete(found.objects.map(({ key }) => key));
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
  });
  const TagSet = Object.entries(aws.tags).map(([Key, Value]) => ({ Key, Value }));
  await client.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }));
  return { client, bucket, port, cleanup: aws.stop };
}

describeObjects("S3", openBucket);

describe("S3 in particular", () => {
  let home: Awaited<ReturnType<typeof openBucket>>;
  beforeAll(async () => {
    home = await openBucket();
  });
  afterAll(() => home.cleanup());

  const unfinished = async (): Promise<number> => {
    const answer = await home.client.send(new ListMultipartUploadsCommand({ Bucket: home.bucket }));
    return answer.Uploads?.length ?? 0;
  };

  const hashOf = async (key: string): Promise<string> => {
    const hash = createHash("sha256");
    for await (const chunk of (await home.port.get(key))?.body ?? []) hash.update(chunk);
    return hash.digest("hex");
  };

  test("a stream of many parts is kept byte by byte, and `ifAbsent` holds for it too", async () => {
    const key = `${unique("big")}/a`;
    const expected = createHash("sha256");
    for (let at = 0; at < 27; at += 1) expected.update(new Uint8Array(MEGABYTE + 7).fill(at));

    const first = await home.port.put(key, pieces(27, MEGABYTE + 7), { ifAbsent: true });
    const second = await home.port.put(key, pieces(27, MEGABYTE), { ifAbsent: true });

    expect(first).toMatchObject({ stored: true, info: { sizeBytes: 27 * (MEGABYTE + 7) } });
    expect(second).toEqual({ stored: false, info: first.info });
    expect(await hashOf(key)).toBe(expected.digest("hex"));
    expect(await unfinished()).toBe(0);
  });

  test("of two long streams at once under `ifAbsent` one is stored", async () => {
    const key = `${unique("big")}/a`;

    const results = await Promise.all(
      [0, 1, 2].map(() => home.port.put(key, pieces(17, MEGABYTE), { ifAbsent: true })),
    );

    expect(results.filter((result) => result.stored)).toHaveLength(1);
    expect(new Set(results.map((result) => result.info.etag)).size).toBe(1);
    expect(await unfinished()).toBe(0);
  });

  test("a long stream that breaks off leaves no upload behind", async () => {
    const key = `${unique("big")}/a`;

    await expect(home.port.put(key, pieces(40, MEGABYTE, 30))).rejects.toThrow("the sender went away");

    expect(await home.port.head(key)).toBeUndefined();
    expect(await unfinished()).toBe(0);
  });

  test.each([
    ["small ones before and after a large one", [10, 6 * MEGABYTE, 11]],
    ["a large one that the ones before leave too little of", [4 * MEGABYTE, 5 * MEGABYTE, 12 * MEGABYTE]],
    ["many of a middle size", [3 * MEGABYTE, 3 * MEGABYTE, 3 * MEGABYTE, 3 * MEGABYTE]],
    ["an empty one between", [7 * MEGABYTE, 0, 1]],
  ])("joins %s", async (_, sizes) => {
    const folder = unique("join");
    const expected = createHash("sha256");
    const keys = sizes.map((_size, at) => `${folder}/parts/${at}`);
    for (const [at, size] of sizes.entries()) {
      const bytes = new Uint8Array(size).fill(at + 1);
      expected.update(bytes);
      await home.port.put(keys[at] ?? "", bytes);
    }

    const info = await home.port.compose(keys, `${folder}/whole`);

    expect(info.sizeBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(await hashOf(`${folder}/whole`)).toBe(expected.digest("hex"));
    expect((await home.port.list({ prefix: `${folder}/parts/` })).objects).toEqual([]);
  });

  test("an address signed for a hash takes those bytes only", async () => {
    const key = unique("hashed");
    const sha256 = createHash("sha256").update("hello").digest("hex");
    const signed = await home.port.sign("put", key, 60, { sha256 });
    const put = (body: string, headers = signed?.headers ?? {}) =>
      fetch(signed?.url ?? "", { method: "PUT", body, headers: { ...headers } });

    const other = await put("hullo");
    const unsaid = await put("hullo", {});
    const absent = await home.port.head(key);
    const right = await put("hello");

    expect([other.status, unsaid.status, right.status]).toEqual([400, 403, 200]);
    expect(absent).toBeUndefined();
    expect(await textOf(home.port, key)).toBe("hello");
  });

  test("a signed address takes and gives bytes without credentials", async () => {
    const key = `${unique("signed")}/a b+ü%.txt`;
    const put = await home.port.sign("put", key, 60);
    const get = await home.port.sign("get", key, 60);

    const sent = await fetch(put?.url ?? "", { method: "PUT", body: "signed bytes", headers: { ...put?.headers } });
    const found = await fetch(get?.url ?? "", { headers: { ...get?.headers } });

    expect(sent.status).toBe(200);
    expect(await found.text()).toBe("signed bytes");
    expect(await textOf(home.port, key)).toBe("signed bytes");
    expect(new URL(put?.url ?? "").search).not.toContain("checksum");
  });

  test("keys that XML can't hold are deleted too", async () => {
    const folder = unique("odd");
    await home.port.put(`${folder}/\u0001`, utf8("x"));
    await home.port.put(`${folder}/plain`, utf8("x"));

    await home.port.delete([`${folder}/\u0001`, `${folder}/plain`]);

    expect((await home.port.list({ prefix: folder })).objects).toEqual([]);
  });
});
