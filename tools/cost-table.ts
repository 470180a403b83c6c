/**
 * Prints the table of docs/cost.md from the prices that `yard cost` uses. What is assumed stands here and in that page.
 * The idle month is that of the templates in `cdk.out` (`npx cdk synth --quiet` makes them).
 */
import { readdirSync, readFileSync } from "node:fs";
import { idleMonth, type PricedTemplate } from "../src/contract/prices/idle-month.ts";
import { PRICES } from "../src/contract/prices/table.ts";

const { hoursPerMonth } = PRICES;
const million = 1e6;

/** What people and runs do to the API in a month. */
interface Use {
  readonly requests: number;
  /** Seconds of a function of 1 GB, each request. */
  readonly seconds: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly tableGb: number;
  readonly objectGb: number;
  readonly objectWrites: number;
  readonly egressGb: number;
  readonly builds: number;
  readonly imageGb: number;
}

const NOTHING: Use = {
  requests: 0,
  seconds: 0.06,
  readUnits: 0,
  writeUnits: 0,
  tableGb: 0,
  objectGb: 0,
  objectWrites: 0,
  egressGb: 0,
  builds: 0,
  imageGb: 0,
};

/** 100 people on 22 days, 400 requests each: 6 read units and 3 write units a request. */
const PEOPLE: Use = {
  ...NOTHING,
  requests: 100 * 22 * 400,
  readUnits: 100 * 22 * 400 * 6,
  writeUnits: 100 * 22 * 400 * 3,
  tableGb: 5,
  objectGb: 20,
  objectWrites: 100_000,
  egressGb: 50,
};

/** 10,000 runs, each 200 requests (50 of them batches of metrics), 210 write units, 20 files of together 25 MB; 50 images built. */
const RUNS: Use = {
  ...NOTHING,
  requests: 2_000_000,
  readUnits: 1_000_000,
  writeUnits: 2_100_000,
  tableGb: 1,
  objectGb: 250,
  objectWrites: 200_000,
  egressGb: 20,
  builds: 50,
  imageGb: 20,
};

const BYTES: Use = { ...NOTHING, objectGb: 10_240 };

/** By list price: nothing that AWS gives for free is taken off. */
function ours(use: Use, idle: number): number {
  const { requests, seconds } = use;
  const calls = (requests / million) * (PRICES.httpRequests + PRICES.functionRequests);
  const work = requests * seconds * PRICES.functionGbSec;
  const records =
    (use.readUnits / million) * PRICES.tableReadUnits +
    (use.writeUnits / million) * PRICES.tableWriteUnits +
    use.tableGb * (PRICES.tableGb + PRICES.tableBackupGb);
  const logs = requests * 1.5e-6 * PRICES.logGbWritten;
  const builds = use.builds * 5 * PRICES.buildMinute + use.imageGb * PRICES.imageGb;
  return idle + calls + work + records + logs + builds + bytes(use);
}

function bytes({ objectGb, objectWrites, egressGb }: Use): number {
  return objectGb * PRICES.objectGb + (objectWrites / million) * PRICES.objectWrites + egressGb * PRICES.egressGb;
}

/** A fifth read within the month, three tenths within three months, half not. */
function tiered(gb: number, objects: number): number {
  const perGb = 0.2 * PRICES.objectGb + 0.3 * PRICES.objectInfrequentGb + 0.5 * PRICES.objectArchiveInstantGb;
  return gb * perGb + (objects / million) * PRICES.objectsWatched;
}

const fargate = (vcpus: number, gb: number): number =>
  hoursPerMonth * (vcpus * PRICES.fargateVcpu + gb * PRICES.fargateGb);
const balancer = hoursPerMonth * PRICES.loadBalancer;
const address = hoursPerMonth * PRICES.publicAddress;

/** Its CloudFormation template of August 2025: three services, a database, two load balancers, five public addresses. */
const METAFLOW =
  hoursPerMonth * PRICES.rdsT3Small +
  20 * PRICES.rdsDiskGb +
  fargate(0.5, 1) +
  fargate(4, 16) +
  fargate(0.5, 1) +
  2 * balancer +
  5 * address;

/** AWS's sample: a service of 4 vCPU, a database, a NAT gateway, a load balancer, a secret. */
const MLFLOW_FARGATE =
  hoursPerMonth * (PRICES.rdsM5Large + PRICES.natGateway) +
  20 * PRICES.rdsDiskGb +
  fargate(4, 8) +
  balancer +
  address +
  PRICES.secret;

const SAGEMAKER = hoursPerMonth * PRICES.sagemakerMlflowSmall;

const folder = process.argv[2] ?? "cdk.out";
const files = readdirSync(folder).filter((name) => name.endsWith(".template.json"));
const month = idleMonth(
  Object.fromEntries(
    files.map((name) => [name, JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as PricedTemplate]),
  ),
);

const row = (what: string, ...amounts: number[]) =>
  `| ${what} | ${amounts.map((amount) => amount.toFixed(amount < 10 ? 2 : 0)).join(" | ")} |`;
const beside = (use: Use) => [METAFLOW, MLFLOW_FARGATE, SAGEMAKER].map((fixed) => fixed + bytes(use));
console.log(
  [
    "| USD a month | Trainyard | Metaflow's template | MLflow on Fargate + RDS | SageMaker managed MLflow |",
    "| --- | --: | --: | --: | --: |",
    row("idle", month.usd, ...beside(NOTHING)),
    row("100 people a day", ours(PEOPLE, month.usd), ...beside(PEOPLE)),
    row("10,000 runs", ours(RUNS, month.usd), ...beside(RUNS)),
    row("10 TB of artifacts, all read often", ours(BYTES, month.usd), ...beside(BYTES)),
    row("10 TB, most left alone (see below)", month.usd + tiered(10_240, million), ...beside(BYTES)),
    "",
    `Idle by list price, nothing taken off: ${month.listUsd.toFixed(2)}.`,
  ].join("\n"),
);
