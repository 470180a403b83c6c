import { beforeEach, describe, expect, it } from "vitest";
import { paramsRecord, scalarRecord, versionRecord } from "../../../src/contract/event-files/write-event.ts";
import { openTrackingApi, type TrackingApi } from "../../helpers/tracking.ts";

let api: TrackingApi;
let run: string;
let root: string;

beforeEach(async () => {
  api = await openTrackingApi();
  const experiment = await api.experiment();
  run = await api.run(experiment);
  root = `/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts`;
});

const scalar = (tag: string, step: number, value = step / 8) =>
  scalarRecord(tag, { value, step, timestamp: 1000 + step });
const joined = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const put = async (path: string, bytes: Uint8Array) => {
  const { status, text } = await api.ask("PUT", `${root}/${path}`, { bytes });
  expect(status, text).toBe(200);
};
const history = async (key: string): Promise<{ step: number; value: number | string }[]> =>
  (await api.get("metrics/get-history", { run_id: run, metric_key: key })).metrics ?? [];
const steps = async (key: string) => (await history(key)).map(({ step }) => step);
const data = async () => (await api.get("runs/get", { run_id: run })).run.data;

describe("event files among artifacts", () => {
  it("become metrics and params of the run", async () => {
    await put(
      "tb/events.out.tfevents.1.h",
      joined(versionRecord(1), paramsRecord(new Map([["lr", "0.01"]]), "r", 1), scalar("loss", 1), scalar("loss", 2)),
    );

    expect(await history("loss")).toEqual([
      { key: "loss", value: 0.125, timestamp: 1001, step: 1 },
      { key: "loss", value: 0.25, timestamp: 1002, step: 2 },
    ]);
    expect((await data()).params).toEqual([{ key: "lr", value: "0.01" }]);
  });

  it("add nothing when they come again, and what is new when they have grown", async () => {
    const file = joined(versionRecord(1), scalar("loss", 1), scalar("loss", 2), scalar("loss", 3));
    const cut = file.length - 10;

    await put("e.tfevents.1", file.subarray(0, cut));
    expect(await steps("loss")).toEqual([1, 2]);
    await put("e.tfevents.1", file.subarray(0, cut));
    await put("e.tfevents.1", file);
    await put("e.tfevents.1", file);

    expect(await steps("loss")).toEqual([1, 2, 3]);
    expect((await data()).tags.map(({ key }: { key: string }) => key)).not.toContain("trainyard.event_files.problems");
  });

  it("are read anew where another file has taken the name", async () => {
    await put("e.tfevents.1", joined(versionRecord(1), scalar("loss", 1)));
    await put("e.tfevents.1", joined(versionRecord(1), scalar("other metric", 7), scalar("other metric", 8)));

    expect(await steps("loss")).toEqual([1]);
    expect(await steps("other metric")).toEqual([7, 8]);
  });

  it("keep folders that use one tag apart", async () => {
    await Promise.all(["a", "b", "validation"].map((folder) => put(`tb/${folder}/e.tfevents.1`, scalar("loss", 1))));

    const keys = (await data()).metrics.map(({ key }: { key: string }) => key).sort();

    expect(keys).toHaveLength(3);
    expect(keys).toContain("loss");
    expect(keys).toContain("validation/loss");
    expect(["a/loss", "b/loss"]).toContain(keys[0]);
  });

  it("tell the file and the place of a damaged record, and give the rest", async () => {
    const [first, second, third] = [1, 2, 3].map((step) => scalar("loss", step)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    second[30] = (second[30] ?? 0) ^ 255;

    await put("tb/e.tfevents.1", joined(first, second, third));

    expect(await steps("loss")).toEqual([1, 3]);
    const tags = new Map((await data()).tags.map((tag: { key: string; value: string }) => [tag.key, tag.value]));
    expect(tags.get("trainyard.event_files.problems")).toMatch(
      new RegExp(`^tb/e\\.tfevents\\.1: byte ${first.length}: .*checksum`),
    );
  });

  it("keep NaN, and infinities as the largest numbers", async () => {
    await put("e.tfevents.1", joined(scalar("x", 1, Number.NaN), scalar("x", 2, Number.NEGATIVE_INFINITY)));

    expect((await history("x")).map(({ value }) => value)).toEqual(["NaN", -Number.MAX_VALUE]);
  });

  it("leave deleted runs alone", async () => {
    await api.post("runs/delete", { run_id: run });
    await put("e.tfevents.1", scalar("loss", 1));

    expect((await data()).metrics).toBeUndefined();
  });

  it("come in parts, too", async () => {
    const base = root.slice("/api/2.0/mlflow-artifacts/artifacts/".length);
    const path = { path: "x/e.tfevents.1" };
    const begun = (
      await api.ask("POST", `/api/2.0/mlflow-artifacts/mpu/create/${base}`, { body: { ...path, num_parts: 1 } })
    ).json;
    const { pathname, searchParams } = new URL(begun.credentials[0].url);
    const sent = await api.ask("PUT", pathname, {
      query: { token: searchParams.get("token") ?? "" },
      bytes: scalar("loss", 4),
    });
    await api.ask("POST", `/api/2.0/mlflow-artifacts/mpu/complete/${base}`, {
      body: { ...path, upload_id: begun.upload_id, parts: [{ part_number: 1, etag: sent.headers.get("etag") }] },
    });

    expect(await steps("loss")).toEqual([4]);
  });
});
