import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskedCrc32c } from "../../../src/contract/event-files/crc32c.ts";
import { isEventFile, metricKey } from "../../../src/contract/event-files/metric-keys.ts";
import { makeEventFileReader } from "../../../src/contract/event-files/read-file.ts";
import { makeRecordReader, recordOf } from "../../../src/contract/event-files/records.ts";
import { paramsRecord, scalarRecord, versionRecord } from "../../../src/contract/event-files/write-event.ts";

const joined = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

describe("event files", () => {
  it("sums with the Castagnoli polynomial, masked", () => {
    // The check value of CRC-32C is e3069283.
    const unmasked = (((maskedCrc32c(Buffer.from("123456789")) - 0xa282ead8) >>> 0) << 15) >>> 0;
    const masked = (maskedCrc32c(Buffer.from("123456789")) - 0xa282ead8) >>> 0;

    expect((unmasked | (masked >>> 17)) >>> 0).toBe(0xe3069283);
  });

  it("reads what was written, cut into pieces anywhere, and goes on from where it stopped", () => {
    const point = fc.record({
      tag: fc.constantFrom("loss", "acc/top 1", "naïve"),
      value: fc.float(),
      step: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      timestamp: fc.integer({ min: 0, max: 2 ** 42 }),
    });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 20 }), fc.nat(), fc.nat(), (points, first, second) => {
        const file = joined(versionRecord(1), ...points.map(({ tag, ...rest }) => scalarRecord(tag, rest)));
        const [a = 0, b = 0] = [first % (file.length + 1), second % (file.length + 1)].sort((x, y) => x - y);
        const owners = new Map<string, string>();

        const early = makeEventFileReader("tb/f.tfevents.1", owners);
        const found = [...early.push(file.subarray(0, a)).points, ...early.push(file.subarray(a, b)).points];
        const late = makeEventFileReader("tb/f.tfevents.1", owners, early.consumed);
        found.push(...late.push(file.subarray(early.consumed)).points);

        expect(found).toEqual(points.map(({ tag, ...rest }) => ({ key: tag, ...rest })));
        expect(late.consumed).toBe(file.length);
        expect([...early.problems, ...late.problems]).toEqual([]);
      }),
    );
  });

  it("tells where a record is damaged, and keeps the rest", () => {
    const records = [1, 2, 3].map((step) => scalarRecord("loss", { value: step / 10, step, timestamp: step }));
    const file = joined(...records);
    const [size = 0] = records.map((record) => record.length);
    file[size + 20] = (file[size + 20] ?? 0) ^ 1;
    const reader = makeEventFileReader("f.tfevents", new Map());

    expect(reader.push(file).points.map(({ step }) => step)).toEqual([1, 3]);
    expect(reader.problems).toEqual([{ offset: size, message: expect.stringContaining("checksum") }]);
  });

  it("stops where a length is damaged, and says where", () => {
    const first = scalarRecord("loss", { value: 1, step: 1, timestamp: 1 });
    const file = joined(first, first);
    file[first.length] = 0xff;
    const reader = makeRecordReader();

    expect(reader.push(file)).toHaveLength(1);
    expect(reader.push(first)).toHaveLength(0);
    expect(reader).toMatchObject({ stuck: true, consumed: first.length, problems: [{ offset: first.length }] });
  });

  it("passes over a record that holds a picture of 40 MB, and consumes whole records only", () => {
    const scalar = scalarRecord("loss", { value: 1, step: 1, timestamp: 1 });
    const huge = recordOf(new Uint8Array(40 * 1024 * 1024));
    const reader = makeRecordReader();

    reader.push(scalar);
    expect(reader.push(huge.subarray(0, 1024))).toHaveLength(0);
    expect(reader.consumed).toBe(scalar.length);
    expect(reader.push(joined(huge.subarray(1024), scalar))).toHaveLength(1);
    expect(reader.consumed).toBe(huge.length + 2 * scalar.length);
  });

  it("reads params back as they were", () => {
    const given = new Map([
      ["lr", "0.01"],
      ["opt", "adam"],
    ]);

    expect(makeEventFileReader("f.tfevents", new Map()).push(paramsRecord(given, "r", 5)).params).toEqual([...given]);
  });

  it("names metrics so that folders with the same tag stay apart", () => {
    const owners = new Map<string, string>();
    const keys = [
      ["logs/tb", "loss"],
      ["logs/tb", "loss"],
      ["logs/tb/loss_train", "loss"],
      ["logs/other", "loss"],
      ["logs/train", "epoch_loss"],
      ["logs/validation", "epoch_loss"],
      ["logs/validation", "validation/acc"],
      ["", "a%b//../c (x)"],
    ].map(([folder = "", tag = ""]) => metricKey(folder, tag, owners));

    expect(keys).toEqual([
      "loss",
      "loss",
      "loss_train/loss",
      "other/loss",
      "train/epoch_loss",
      "validation/epoch_loss",
      "validation/acc",
      "a_b/c _x_",
    ]);
  });

  it("takes a time that is none for the beginning of time", () => {
    const file = scalarRecord("loss", { value: 1, step: 1, timestamp: Number.NaN });

    expect(makeEventFileReader("f.tfevents", new Map()).push(file).points).toEqual([
      { key: "loss", value: 1, step: 1, timestamp: 0 },
    ]);
  });

  it("knows event files by their name", () => {
    expect(["a/events.out.tfevents.17.host.1.0", "tfevents/x.csv"].map(isEventFile)).toEqual([true, false]);
  });
});
