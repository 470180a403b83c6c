import { expect, it } from "vitest";
import { openTrackingApi } from "../../helpers/tracking.ts";

it.each([
  ["POST", "/api/3.0/mlflow/traces", "traces"],
  ["GET", "/api/3.0/mlflow/traces/tr-1", "traces"],
  ["POST", "/api/2.0/mlflow/traces", "traces"],
  ["GET", "/ajax-api/2.0/mlflow/get-trace-artifact", "traces"],
  ["POST", "/api/3.0/mlflow/datasets/create", "evaluation datasets"],
  ["GET", "/api/2.0/mlflow/webhooks", "webhooks"],
])("says of %s %s that it is not kept, with no status that clients retry", async (method, path, what) => {
  const api = await openTrackingApi();

  const { status, json } = await api.ask(method, path, method === "GET" ? {} : { body: {} });

  expect([status, json.error_code]).toEqual([501, "NOT_IMPLEMENTED"]);
  expect(json.message).toContain(`does not keep ${what} yet`);
});

it("says of spans what makes the client stop sending them", async () => {
  const api = await openTrackingApi();

  const { status, json } = await api.ask("POST", "/v1/traces", { bytes: "spans" });

  expect(status).toBe(501);
  expect(json.message).toMatch(/^REST OTLP span logging is not supported/);
});

it("knows the rest of MLflow's later API as absent, which is what clients probe for", async () => {
  const api = await openTrackingApi();

  const { status, json } = await api.ask("GET", "/api/3.0/mlflow/workspaces");

  expect([status, json.error_code]).toEqual([404, "ENDPOINT_NOT_FOUND"]);
});
