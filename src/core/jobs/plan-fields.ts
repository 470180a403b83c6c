import type { CommandJobSpec } from "../../contract/jobs.ts";
import type { Findings } from "./problems.ts";

type Say = (field: string, why: string) => void;

/** Names every field that is understood and can't be honoured. `hasMachines`: the home starts machines for jobs; else they are processes of one that is there. */
export function warnOfFields(spec: CommandJobSpec, findings: Findings, hasMachines: boolean): void {
  const { resources, distribution, services } = spec;
  const say: Say = (field, why) => {
    findings.warnings.push(`\`${field}\` has no effect here: ${why}`);
  };
  if (hasMachines) warnOnMachines(spec, say);
  else warnOnProcesses(spec, findings, say);
  if (resources?.properties !== undefined) say("resources.properties", "nothing reads them");
  for (const [name, service] of Object.entries(services ?? {})) {
    say(`services.${name}`, `services of type \`${service.type ?? name}\` are not started on this machine`);
  }
  if (distribution?.type === "ray") {
    findings.problems.push({
      field: "distribution.type",
      message: "`ray` clusters are not started by this home",
      hint: "start Ray in the command itself, or use pytorch, mpi or tensorflow",
      code: "NotSupported",
    });
  }
}

function warnOnProcesses(
  { resources, distribution, parallel, queue_settings: queue, identity }: CommandJobSpec,
  findings: Findings,
  say: Say,
): void {
  const nodes = resources?.instance_count ?? 1;
  const shares = distribution !== undefined || parallel !== undefined;
  if (nodes > 1 && !shares) say("resources.instance_count", "the job runs on one machine");
  if (nodes > 1 && shares) {
    findings.warnings.push(`\`resources.instance_count\`: the processes of all ${nodes} nodes run on this one machine`);
  }
  if (resources?.max_instance_count !== undefined) say("resources.max_instance_count", "the job runs on one machine");
  if (resources?.instance_type !== undefined) say("resources.instance_type", "the machine is what it is");
  if (resources?.locations !== undefined) say("resources.locations", "there is one place, this machine");
  if (resources?.shm_size !== undefined) say("resources.shm_size", "the job is not in a container");
  if (resources?.docker_args !== undefined) say("resources.docker_args", "the job is not in a container");
  if (queue?.job_tier !== undefined && queue.job_tier !== null) say("queue_settings.job_tier", "there are no tiers");
  if (identity !== undefined) say("identity", "the job runs as the account that serves this home");
}

function warnOnMachines(
  { compute, resources, distribution, queue_settings: queue, identity }: CommandJobSpec,
  say: Say,
): void {
  const hasCompute = compute !== undefined && !/^(?:azureml:)?(?:local|serverless)?$/.test(compute.trim());
  if (resources?.max_instance_count !== undefined) say("resources.max_instance_count", "`instance_count` is taken");
  if (resources?.instance_type !== undefined && hasCompute)
    say("resources.instance_type", "the compute's size is taken");
  if (resources?.locations !== undefined) say("resources.locations", "there is one place, this home's region");
  const args = [resources?.docker_args ?? []]
    .flat()
    .join(" ")
    .replace(/--shm-size[= ]+\S+/, "")
    .trim();
  if (args !== "") say("resources.docker_args", `only \`--shm-size\` is read, not \`${args}\``);
  if (typeof queue?.job_tier === "string" && hasCompute) say("queue_settings.job_tier", "the compute's tier is taken");
  if (identity !== undefined) say("identity", "commands are given no AWS credentials");
  if (distribution?.type === "mpi" && (resources?.instance_count ?? 1) > 1) {
    say("distribution.type", "there is no `mpirun` over machines; each process gets OpenMPI's variables");
  }
}
