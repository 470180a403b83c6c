import { beforeEach, describe, expect, it } from "vitest";
import { openTrackingApi, type TrackingApi } from "../helpers/tracking.ts";

const RUN = "0123456789abcdef0123456789abcdef";
const MODEL = `m-${RUN}`;
const ROOT = "/api/v1/workspaces/default/imports";

let api: TrackingApi;

beforeEach(async () => {
  api = await openTrackingApi();
});

describe("an imported run", () => {
  const put = (experimentId: string, more: object = {}, as = "owner", id = RUN) =>
    api.ask("PUT", `${ROOT}/runs/${id}`, {
      body: { experiment_id: experimentId, name: "old", user_id: "ada", start_time: 5, tags: { a: "b" }, ...more },
      as,
    });

  it("has its id, time, user and parent", async () => {
    const id = await api.experiment();
    const made = await put(id, { tags: { "mlflow.parentRunId": "f".repeat(32) } });

    expect(made.json).toEqual({ run_id: RUN, artifact_uri: `mlflow-artifacts:/${id}/${RUN}/artifacts`, made: true });
    const { run } = await api.get("runs/get", { run_id: RUN });
    expect(run.info).toMatchObject({ run_id: RUN, run_name: "old", user_id: "ada", start_time: 5, status: "RUNNING" });
    expect(run.data.tags).toContainEqual({ key: "mlflow.parentRunId", value: "f".repeat(32) });
  });

  it("is made once, also by several at a time, and stays as it is", async () => {
    const id = await api.experiment();
    const all = await Promise.all([put(id), put(id), put(id, { name: "other" })]);

    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(all.filter(({ json }) => json.made)).toHaveLength(1);
    expect((await put(id, { name: "third" })).json.made).toBe(false);
    expect((await api.get("runs/get", { run_id: RUN })).run.info.run_name).not.toBe("third");
  });

  it("takes no id of a job or of another experiment, and no broken one", async () => {
    const [one, two] = [await api.experiment(), await api.experiment()];
    await put(one);
    const job = await api.jobRun();
    const replies = [await put(two), await put("0", {}, "owner", job), await put(one, {}, "owner", "a%2Fb")];

    expect(replies.map(({ status }) => status)).toEqual([409, 409, 400]);
    expect((await put("999", {}, "owner", "9".repeat(32))).status).toBe(404);
  });

  it("is not for readers or runs", async () => {
    const id = await api.experiment();

    expect([(await put(id, {}, "reader")).status, (await put(id, {}, `run:${RUN}`)).status]).toEqual([403, 403]);
  });
});

describe("an imported logged model", () => {
  const put = (experimentId: string, id = MODEL) =>
    api.ask("PUT", `${ROOT}/logged-models/${id}`, {
      body: { experiment_id: experimentId, name: "net", creation_time: 7, params: { p: "1" }, tags: {} },
    });

  it("has its id and time, once", async () => {
    const id = await api.experiment();
    const [first, again] = [await put(id), await put(id)];

    expect([first.json.made, again.json.made]).toEqual([true, false]);
    const { model } = await api.get(`logged-models/${MODEL}`);
    expect(model.info).toMatchObject({ model_id: MODEL, name: "net", creation_timestamp_ms: 7 });
    expect(model.data.params).toEqual([{ key: "p", value: "1" }]);
  });

  it("takes no id of another experiment, of a deleted one or a broken one", async () => {
    const [one, two] = [await api.experiment(), await api.experiment()];
    await put(one);
    const elsewhere = await put(two);
    await api.ask("DELETE", `logged-models/${MODEL}`);

    expect([elsewhere.status, (await put(one)).status, (await put(one, "x")).status]).toEqual([409, 409, 400]);
  });
});
