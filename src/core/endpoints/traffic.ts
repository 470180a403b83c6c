import { AppError } from "../../contract/errors.ts";
import type { DeploymentRecord, Traffic } from "./record.ts";

const MIRROR_LIMIT = 50;

/** Refuses traffic that does not add up, or goes where nothing answers. */
export function checkTraffic(endpoint: string, traffic: Traffic, deployments: readonly DeploymentRecord[]): void {
  checkNames(endpoint, "traffic", traffic, deployments);
  const sum = total(traffic);
  if (sum !== 0 && sum !== 100) {
    throw new AppError(
      "InvalidArgument",
      `the traffic of endpoint \`${endpoint}\` sums to ${sum}; it must be 0 or 100`,
      {
        hint: "give percentages of all deployments together",
      },
    );
  }
  for (const [name, share] of Object.entries(traffic)) {
    const deployment = deployments.find((one) => one.name === name);
    if (share > 0 && deployment?.live === undefined) {
      throw new AppError(
        "Conflict",
        `deployment \`${name}\` of endpoint \`${endpoint}\` can't get traffic: it has never become healthy`,
        {
          state: deployment?.state,
          hint: "wait until its state is `Succeeded`; `yard online-deployment get-logs` tells what it does",
        },
      );
    }
  }
}

export function checkMirror(endpoint: string, mirror: Traffic, deployments: readonly DeploymentRecord[]): void {
  checkNames(endpoint, "mirror_traffic", mirror, deployments);
  const sum = total(mirror);
  if (sum > MIRROR_LIMIT) {
    throw new AppError(
      "InvalidArgument",
      `the mirror_traffic of endpoint \`${endpoint}\` sums to ${sum}; at most ${MIRROR_LIMIT} is mirrored`,
    );
  }
}

function checkNames(endpoint: string, field: string, traffic: Traffic, deployments: readonly DeploymentRecord[]): void {
  for (const name of Object.keys(traffic)) {
    const found = deployments.find((one) => one.name === name);
    if (found === undefined || found.state === "Deleting") {
      const known = deployments.filter((one) => one.state !== "Deleting").map((one) => `\`${one.name}\``);
      throw new AppError("InvalidArgument", `${field}: endpoint \`${endpoint}\` has no deployment \`${name}\``, {
        hint: known.length === 0 ? "make a deployment first" : `its deployments: ${known.join(", ")}`,
      });
    }
  }
}

const total = (traffic: Traffic): number => Object.values(traffic).reduce((sum, share) => sum + share, 0);

/** Without a deployment that goes away. */
export function without(traffic: Traffic, name: string): Traffic {
  return Object.fromEntries(Object.entries(traffic).filter(([key]) => key !== name));
}

/** The deployment for a point in [0, 1): the points fall on each in proportion to its share. Undefined when all shares are 0. */
export function pick(traffic: Traffic, point: number): string | undefined {
  let left = point * total(traffic);
  for (const [name, share] of Object.entries(traffic)) {
    left -= share;
    if (left < 0) return name;
  }
  return undefined;
}
