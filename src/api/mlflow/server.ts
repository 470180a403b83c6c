import { MLFLOW_VERSION } from "../../contract/version.ts";
import type { RawRoute } from "../raw-route.ts";
import { mlflowError } from "./errors.ts";
import { unsupportedRoutes } from "./unsupported.ts";

const TEXT = { "content-type": "text/plain; charset=utf-8" };

function open(path: string, handle: () => Response): RawRoute {
  return {
    id: `mlflow:GET ${path}`,
    method: "GET",
    path,
    base: "workspace",
    access: "open",
    onError: mlflowError,
    handle,
  };
}

/** What the server says of itself, and clear answers to calls of later MLflow features. */
export function serverRoutes(): RawRoute[] {
  const info = JSON.stringify({
    store_type: "SqlStore",
    workspaces_enabled: false,
    trace_archival_enabled: false,
    multipart_uploads_enabled: true,
    multipart_downloads_enabled: false,
    presigned_upload_run_id_supported: false,
    presigned_upload_model_id_supported: false,
    features_enabled: { gateway: false },
  });
  const infoRoutes = ["/api", "/ajax-api"].map((prefix) =>
    open(
      `${prefix}/3.0/mlflow/server-info`,
      () => new Response(info, { headers: { "content-type": "application/json" } }),
    ),
  );
  return [
    open("/health", () => new Response("OK", { headers: TEXT })),
    open("/version", () => new Response(MLFLOW_VERSION, { headers: TEXT })),
    ...infoRoutes,
    ...unsupportedRoutes(),
  ];
}
