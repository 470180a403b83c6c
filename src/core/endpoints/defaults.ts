import type { OnlineDeploymentSpec } from "../../contract/endpoints.ts";
import type { RevisionPlan } from "./record.ts";

/** Azure's defaults. */
export function requestSettingsOf(spec: OnlineDeploymentSpec): RevisionPlan["requestSettings"] {
  return {
    request_timeout_ms: spec.request_settings?.request_timeout_ms ?? 5000,
    max_concurrent_requests_per_instance: spec.request_settings?.max_concurrent_requests_per_instance ?? 1,
    max_queue_wait_ms: spec.request_settings?.max_queue_wait_ms ?? 500,
  };
}

export function probeOf(probe: OnlineDeploymentSpec["readiness_probe"]): RevisionPlan["readinessProbe"] {
  return {
    initial_delay: probe?.initial_delay ?? 10,
    period: probe?.period ?? 10,
    timeout: probe?.timeout ?? 2,
    success_threshold: probe?.success_threshold ?? 1,
    failure_threshold: probe?.failure_threshold ?? 30,
  };
}

/** What is kept with the deployment and not acted upon by any home, one sentence each: nothing is dropped in silence. */
export function unhonoured(spec: OnlineDeploymentSpec): string[] {
  const warnings: string[] = [];
  if (spec.app_insights_enabled === true) {
    warnings.push(
      "`app_insights_enabled` is kept, but there is no Application Insights; logs are with `yard online-deployment get-logs`",
    );
  }
  if (spec.data_collector !== undefined) warnings.push("`data_collector` is kept, but no data is collected");
  if (spec.model_mount_path !== undefined) {
    warnings.push(
      `\`model_mount_path: ${spec.model_mount_path}\` is kept, but only containers can mount; use AZUREML_MODEL_DIR`,
    );
  }
  return warnings;
}
