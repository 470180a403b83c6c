/**
 * List prices in USD of us-east-1, June 2026, without tax, discounts or support; other regions are 0 to 30% dearer.
 * A new price is a new date here.
 */
export const PRICES = {
  asOf: "2026-06",
  region: "us-east-1",
  hoursPerMonth: 730,
  /** Each month. */
  secret: 0.4,
  kmsKey: 1,
  alarm: 0.1,
  dashboard: 3,
  customMetric: 0.3,
  hostedZone: 0.5,
  webAcl: 5,
  /** Each hour. */
  natGateway: 0.045,
  publicAddress: 0.005,
  loadBalancer: 0.0225,
  interfaceEndpointZone: 0.01,
  rdsT3Small: 0.034,
  rdsM5Large: 0.171,
  fargateVcpu: 0.04048,
  fargateGb: 0.004445,
  /** Each GB and month. */
  tableGb: 0.25,
  tableBackupGb: 0.2,
  objectGb: 0.023,
  objectInfrequentGb: 0.0125,
  objectArchiveInstantGb: 0.004,
  logGbStored: 0.03,
  diskGb: 0.08,
  imageGb: 0.1,
  rdsDiskGb: 0.115,
  /** Each GB. */
  logGbWritten: 0.5,
  egressGb: 0.09,
  /** Each million. */
  httpRequests: 1,
  functionRequests: 0.2,
  tableReadUnits: 0.125,
  tableWriteUnits: 0.625,
  objectWrites: 5,
  objectReads: 0.4,
  objectTransitions: 10,
  objectsWatched: 2.5,
  queueRequests: 0.4,
  busEvents: 1,
  schedules: 1,
  /** Each GB of memory and second, arm64. */
  functionGbSec: 0.0000133334,
  /** Each minute of a small Linux machine (2 vCPU). */
  buildMinute: 0.005,
  /** SageMaker: each hour. */
  sagemakerMlflowSmall: 0.642,
  sagemakerOverEc2: 1.2,
} as const;

/** What every account has each month for nothing, without an end. */
export const ALWAYS_FREE = {
  alarms: 10,
  dashboards: 3,
  customMetrics: 10,
  logGb: 5,
  queueRequests: 1_000_000,
  functionRequests: 1_000_000,
  functionGbSec: 400_000,
  tableGb: 25,
  egressGb: 100,
} as const;

/** Of a family's smallest size, and how many times that each size is: list prices of Linux by the hour. */
const FAMILIES: Readonly<Record<string, readonly [usdLarge: number, sizes: readonly string[]]>> = {
  m5: [0.096, ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"]],
  m6i: [0.096, ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "32xlarge"]],
  m7i: [0.1008, ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge"]],
  c5: [0.085, ["large", "xlarge", "2xlarge", "4xlarge", "9xlarge", "12xlarge", "18xlarge", "24xlarge"]],
  c6i: [0.085, ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "32xlarge"]],
  c7i: [0.08925, ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge"]],
  r5: [0.126, ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"]],
  r6i: [0.126, ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "32xlarge"]],
  r7i: [0.1323, ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge"]],
};

/** Machines with GPUs, whose price does not follow their size. */
const GPU_MACHINES: Readonly<Record<string, number>> = {
  "g4dn.xlarge": 0.526,
  "g4dn.2xlarge": 0.752,
  "g4dn.4xlarge": 1.204,
  "g4dn.8xlarge": 2.176,
  "g4dn.12xlarge": 3.912,
  "g4dn.16xlarge": 4.352,
  "g5.xlarge": 1.006,
  "g5.2xlarge": 1.212,
  "g5.4xlarge": 1.624,
  "g5.8xlarge": 2.448,
  "g5.12xlarge": 5.672,
  "g5.16xlarge": 4.096,
  "g5.24xlarge": 8.144,
  "g5.48xlarge": 16.288,
  "g6.xlarge": 0.8048,
  "g6.2xlarge": 0.9776,
  "g6.4xlarge": 1.3232,
  "g6.8xlarge": 2.0144,
  "g6.12xlarge": 4.6016,
  "g6.16xlarge": 3.3968,
  "g6.24xlarge": 6.6752,
  "g6.48xlarge": 13.3504,
  "g6e.xlarge": 1.861,
  "g6e.2xlarge": 2.24208,
  "g6e.4xlarge": 3.00424,
  "g6e.8xlarge": 4.52856,
  "g6e.12xlarge": 10.49264,
  "g6e.16xlarge": 7.57719,
  "g6e.24xlarge": 15.06559,
  "g6e.48xlarge": 30.13118,
  "p3.2xlarge": 3.06,
  "p3.8xlarge": 12.24,
  "p3.16xlarge": 24.48,
  "p4d.24xlarge": 21.9576,
  "p4de.24xlarge": 27.44705,
  "p5.4xlarge": 6.88,
  "p5.48xlarge": 55.04,
  "p5en.48xlarge": 63.296,
};

/** USD an hour of an EC2 machine on demand; undefined for one that has no price here. */
export function machineUsdPerHour(type: string): number | undefined {
  const gpu = GPU_MACHINES[type];
  if (gpu !== undefined) return gpu;
  const [family = "", size = ""] = type.split(".");
  const [usdLarge, sizes] = FAMILIES[family] ?? [0, []];
  if (!sizes.includes(size)) return undefined;
  const times = size === "large" ? 1 : 2 * Number(/^(\d*)xlarge$/.exec(size)?.[1] || 1);
  return usdLarge * times;
}
