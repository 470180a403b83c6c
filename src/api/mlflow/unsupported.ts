import { AppError } from "../../contract/errors.ts";
import type { RawRoute } from "../raw-route.ts";
import { mlflowError } from "./errors.ts";

const METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT"] as const;

/** First segment of the address -> what MLflow keeps there. */
const FEATURES: Readonly<Record<string, string>> = {
  traces: "traces",
  "unified-traces": "traces",
  "get-online-trace-details": "traces",
  "get-trace-artifact": "traces",
  datasets: "evaluation datasets",
  scorers: "scorers",
  webhooks: "webhooks",
  "prompt-optimization": "prompt optimization",
  "review-queues": "review queues",
  "label-schemas": "label schemas",
  gateway: "an AI gateway",
  issues: "issues",
};

/** The words by which a client of 3.4 or later stops sending spans; it still sends each whole trace. */
const NO_SPANS = "REST OTLP span logging is not supported";

function notSupported(what: string): AppError {
  const off =
    what === "traces" ? "; `MLFLOW_TRACE_SAMPLING_RATIO=0` or `mlflow.tracing.disable()` stops sending them" : "";
  return new AppError("NotSupported", `this server does not keep ${what} yet${off}`);
}

function answers(path: string, why: (rest: string) => AppError): RawRoute[] {
  return METHODS.map((method) => ({
    id: `mlflow:${method} ${path}`,
    method,
    path,
    base: "workspace",
    access: { resource: "tracking", action: "read" },
    onError: mlflowError,
    handle({ params }) {
      throw why(params.rest ?? "");
    },
  }));
}

/** Addresses of MLflow features this server does not have: told at once and in words, with no status that a client retries. */
export function unsupportedRoutes(): RawRoute[] {
  const ofVersion2 = ["traces", "webhooks", "unified-traces", "get-online-trace-details", "get-trace-artifact"];
  return [
    ...["/api", "/ajax-api"].flatMap((prefix) => [
      ...ofVersion2.flatMap((feature) => {
        const why = () => notSupported(FEATURES[feature] ?? feature);
        const path = `${prefix}/2.0/mlflow/${feature}`;
        return [...answers(path, why), ...answers(`${path}/{rest+}`, why)];
      }),
      ...answers(`${prefix}/3.0/mlflow/{rest+}`, (rest) => {
        const feature = FEATURES[rest.split("/", 1)[0] ?? ""];
        if (feature !== undefined) return notSupported(feature);
        return new AppError("NotFound", "this server does not support this part of the MLflow API", {
          mlflow: "ENDPOINT_NOT_FOUND",
        });
      }),
    ]),
    ...answers("/v1/{rest+}", () => new AppError("NotSupported", `${NO_SPANS}: this server does not keep traces yet`)),
  ];
}
