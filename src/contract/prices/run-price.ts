import { machineUsdPerHour, PRICES } from "./table.ts";

/** What a run would use. */
export interface RunShape {
  /** An EC2 type; or vCPUs and memory of Fargate. */
  readonly machine: string | { readonly vcpus: number; readonly memoryGb: number };
  readonly machines: number;
  readonly hours: number;
  readonly diskGb: number;
}

export interface RunPrice {
  readonly usdPerHour: number;
  readonly usd: number;
  readonly asOf: string;
  readonly region: string;
}

/** On demand, disks and public addresses included; undefined for a machine that has no price here. Spot is usually 30 to 70% of it. */
export function runPrice({ machine, machines, hours, diskGb }: RunShape): RunPrice | undefined {
  const compute =
    typeof machine === "string"
      ? machineUsdPerHour(machine)
      : machine.vcpus * PRICES.fargateVcpu + machine.memoryGb * PRICES.fargateGb;
  if (compute === undefined) return undefined;
  const disk = (diskGb * PRICES.diskGb) / PRICES.hoursPerMonth;
  const usdPerHour = machines * (compute + disk + PRICES.publicAddress);
  return { usdPerHour, usd: usdPerHour * hours, asOf: PRICES.asOf, region: PRICES.region };
}
