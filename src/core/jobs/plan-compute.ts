import type { CommandJobSpec } from "../../contract/jobs.ts";
import { machineFor, tierOf } from "../computes/cluster.ts";
import type { ComputeStore } from "../computes/ports.ts";
import { type ComputeRecord, LOCAL_COMPUTE } from "../computes/record.ts";
import { slotsOf } from "../computes/slots.ts";
import { spotOutlook } from "../computes/spot.ts";
import type { Findings } from "./problems.ts";

interface Deps {
  readonly computes: ComputeStore;
  /** Compute types this home has a launcher for. */
  readonly launches: readonly string[];
}

const AZURE_NAMES = new Set(["serverless", "azureml:serverless"]);

/** The compute a job runs on here, and what it asked for. One this home does not have is stood in for by `local`, with a word about it. */
export async function planCompute(
  deps: Deps,
  workspace: string,
  spec: CommandJobSpec,
  findings: Findings,
): Promise<{ readonly compute: string; readonly requestedCompute?: string }> {
  const written = spec.compute?.trim();
  if (written === undefined || written === "") return { compute: LOCAL_COMPUTE };
  const name = nameOf(written);
  if (name === LOCAL_COMPUTE) return { compute: LOCAL_COMPUTE, requestedCompute: written };
  const hasClusters = deps.launches.includes("cluster");
  if (AZURE_NAMES.has(written)) {
    if (!hasClusters) findings.warnings.push("this home has no serverless compute; the job runs on `local`");
    return { compute: LOCAL_COMPUTE, requestedCompute: written };
  }
  const record = await deps.computes.get(workspace, name);
  if (record !== undefined && deps.launches.includes(record.spec.type)) {
    checkCount(record, spec, findings);
    if (record.spec.type === "cluster") warnOfSpot(spec, findings, record.spec.size, record.spec.tier);
    return { compute: name, requestedCompute: written };
  }
  const why =
    record === undefined
      ? `workspace \`${workspace}\` has no compute \`${name}\``
      : `this home has no machines for compute \`${name}\` of type \`${record.spec.type}\``;
  if (hasClusters) {
    // What other machines cost, and have, nobody has asked for.
    const hint = `make it with \`yard compute create --name ${name} --type cluster --size SIZE\`, or name none: the job then runs on machines of the home's choice`;
    findings.problems.push({ field: "compute", message: why, hint });
    return { compute: LOCAL_COMPUTE, requestedCompute: written };
  }
  findings.warnings.push(`${why}; the job runs on \`local\``);
  return { compute: LOCAL_COMPUTE, requestedCompute: written };
}

/** A cluster never grows beyond its limit, so such a job would wait for ever. */
function checkCount(record: ComputeRecord, { resources }: CommandJobSpec, findings: Findings): void {
  const { instance_count: wanted = 1 } = resources ?? {};
  const most = slotsOf(record, Number.POSITIVE_INFINITY);
  if (record.spec.type !== "cluster" || wanted <= most || most === 0) return;
  findings.problems.push({
    field: "resources.instance_count",
    message: `the job asks for ${wanted} machines and compute \`${record.name}\` has ${most} at most`,
    hint: "ask for fewer, or raise the compute's `max_instances`",
  });
}

const KEEPS_STATE = /check-?point|ckpt|resume/i;

/** A long job that begins anew with each lost machine may cost more on spot machines than on demand. */
function warnOfSpot(spec: CommandJobSpec, findings: Findings, size?: string, tier?: string): void {
  const hours = (spec.limits?.timeout ?? 0) / 3600;
  const keepsState = [spec.command, ...Object.keys(spec.outputs ?? {})].some((text) => KEEPS_STATE.test(text));
  if (hours === 0 || keepsState || tierOf(tier) !== "spot") return;
  const outlook = spotOutlook(hours, machineFor(size).machine.gpus > 0 ? "gpu" : "cpu");
  if (outlook.costShare <= 1) return;
  findings.warnings.push(
    `on spot machines a job of ${Math.round(hours)} hours that keeps no checkpoint is expected to take ${Math.round(outlook.hours)}, which costs ${outlook.costShare.toFixed(1)} times as much as on demand; write checkpoints to an output, which a next attempt finds there, or use a compute of tier \`dedicated\``,
  );
}

/** `azureml:NAME`, a bare name, or the last part of an ARM id. */
function nameOf(written: string): string {
  const bare = written.startsWith("azureml:") ? written.slice("azureml:".length) : written;
  return bare.includes("/") ? (bare.split("/").at(-1) ?? bare) : bare;
}
