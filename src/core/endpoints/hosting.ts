import type { OnlineDeploymentSpec, OnlineEndpointSpec } from "../../contract/endpoints.ts";
import type { HostSize } from "../ports/host.ts";
import { unhonoured } from "./defaults.ts";

/** What a home's host makes of an endpoint's and a deployment's wishes. What can't be had is refused, what is kept only is said. */
export interface Hosting {
  /** Warnings; throws for what the host can't have. */
  judgeEndpoint(spec: OnlineEndpointSpec): readonly string[];
  planDeployment(spec: OnlineDeploymentSpec): {
    readonly instanceCount: number;
    readonly size?: HostSize;
    readonly warnings: readonly string[];
  };
}

/** Processes of this machine. */
export const LAPTOP_HOSTING: Hosting = {
  judgeEndpoint(spec) {
    const warnings: string[] = [];
    if (spec.identity !== undefined) warnings.push("`identity` is kept, but scoring code runs as this home's own user");
    if (spec.location !== undefined) warnings.push("`location` is kept, but the endpoint runs where this home is");
    if (spec.compute !== undefined)
      warnings.push(`\`compute: ${spec.compute}\` is kept, but the endpoint runs on this home's own host`);
    if (spec.public_network_access === "disabled") {
      warnings.push("`public_network_access: disabled` changes nothing here: a laptop home answers on loopback only");
    }
    return warnings;
  },
  planDeployment(spec) {
    const here = [
      ...(spec.instance_type === undefined
        ? []
        : [`\`instance_type: ${spec.instance_type}\` is kept, but the deployment runs on this machine`]),
      ...(spec.scale_settings === undefined || spec.scale_settings.type === "default"
        ? []
        : ["`scale_settings` is kept, but a laptop home runs `instance_count` replicas at all times"]),
      ...(spec.egress_public_network_access === "disabled"
        ? ["`egress_public_network_access: disabled` is kept, but a process of this machine can reach the network"]
        : []),
    ];
    return { instanceCount: spec.instance_count ?? 1, warnings: [...here, ...unhonoured(spec)] };
  },
};
