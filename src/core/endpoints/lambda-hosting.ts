import type { OnlineDeploymentSpec } from "../../contract/endpoints.ts";
import { AppError } from "../../contract/errors.ts";
import { machineFor } from "../computes/cluster.ts";
import { probeOf, requestSettingsOf, unhonoured } from "./defaults.ts";
import type { Hosting } from "./hosting.ts";

/** The classes of hosts that an endpoint may name as its `compute`. */
const CLASSES = ["lambda"];
const DEFAULT_MEMORY_MB = 2048;
/** Lambda gives one vCPU for so much memory. */
const MB_PER_VCPU = 1769;
const MOST_MEMORY_MB = 10_240;
const MOST_SEC = 900;
/** For bringing model and code, on top of what the readiness probe allows. */
const BRING_SEC = 60;

/** Functions of AWS Lambda: as many as there are requests at once, and none while there are none. */
export const LAMBDA_HOSTING: Hosting = {
  judgeEndpoint(spec) {
    const asked = spec.compute?.replace(/^azureml:/, "");
    if (asked !== undefined && !CLASSES.includes(asked.toLowerCase())) {
      throw new AppError("NotSupported", `\`compute: ${spec.compute}\` is not a host of endpoints in this home`, {
        hint: "leave `compute` out, or say `lambda`: functions that cost nothing while nobody asks",
      });
    }
    if (spec.public_network_access === "disabled") {
      throw new AppError(
        "NotSupported",
        "`public_network_access: disabled`: scoring addresses of this home are public",
        {
          hint: "leave it out; every request needs a key or a token of the endpoint",
        },
      );
    }
    return [
      ...(spec.identity === undefined
        ? []
        : ["`identity` is kept, but scoring code has no rights in the account, whatever it says"]),
      ...(spec.location === undefined ? [] : ["`location` is kept, but the endpoint runs where this home is"]),
    ];
  },
  planDeployment(spec) {
    const { memoryMb, warnings } = memoryOf(spec.instance_type);
    const settings = requestSettingsOf(spec);
    const { initial_delay, period, failure_threshold } = probeOf(spec.readiness_probe);
    const startSec = BRING_SEC + initial_delay + period * failure_threshold;
    const requestSec = Math.ceil((settings.request_timeout_ms + settings.max_queue_wait_ms) / 1000);
    return {
      instanceCount: 1,
      size: { memoryMb, timeoutSec: Math.min(MOST_SEC, startSec + requestSec) },
      warnings: [...warnings, ...scaleWarnings(spec), ...unhonoured(spec)],
    };
  },
};

function memoryOf(type: string | undefined): { readonly memoryMb: number; readonly warnings: readonly string[] } {
  if (type === undefined) return { memoryMb: DEFAULT_MEMORY_MB, warnings: [] };
  const { machine } = machineFor(type);
  if (machine.gpus > 0) {
    throw new AppError("NotSupported", `\`instance_type: ${type}\` has a GPU; functions of AWS Lambda have none`, {
      hint: "name a size without one; this home has no host with GPUs for endpoints yet",
    });
  }
  const memoryMb = Math.min(MOST_MEMORY_MB, machine.vcpus * MB_PER_VCPU);
  const most = memoryMb === MOST_MEMORY_MB ? ", the most there is" : "";
  return { memoryMb, warnings: [`\`instance_type: ${type}\` is taken as functions of ${memoryMb} MB${most}`] };
}

function scaleWarnings(spec: OnlineDeploymentSpec): string[] {
  const count = spec.instance_count ?? 1;
  const places = spec.request_settings?.max_concurrent_requests_per_instance ?? 1;
  return [
    ...(count > 1 || (spec.scale_settings !== undefined && spec.scale_settings.type !== "default")
      ? [
          "`instance_count` and `scale_settings` are kept; there are as many functions as requests at once, and none else",
        ]
      : []),
    ...(places > 1 ? ["`max_concurrent_requests_per_instance` is kept; a function takes one request at a time"] : []),
    ...(spec.egress_public_network_access === "disabled"
      ? ["`egress_public_network_access: disabled` is kept, but a function can reach the network"]
      : []),
  ];
}
