import type { CommandJobSpec } from "../../contract/jobs.ts";
import type { Findings } from "./problems.ts";

/** Names every field that is understood and can't be honoured where jobs are processes of one machine. */
export function warnOfFields(spec: CommandJobSpec, findings: Findings): void {
  const { resources, distribution, queue_settings: queue, services, identity } = spec;
  const say = (field: string, why: string): void => {
    findings.warnings.push(`\`${field}\` has no effect here: ${why}`);
  };
  const nodes = resources?.instance_count ?? 1;
  if (nodes > 1 && distribution === undefined) say("resources.instance_count", "the job runs on one machine");
  if (nodes > 1 && distribution !== undefined) {
    findings.warnings.push(`\`resources.instance_count\`: the processes of all ${nodes} nodes run on this one machine`);
  }
  if (resources?.max_instance_count !== undefined) say("resources.max_instance_count", "the job runs on one machine");
  if (resources?.instance_type !== undefined) say("resources.instance_type", "the machine is what it is");
  if (resources?.locations !== undefined) say("resources.locations", "there is one place, this machine");
  if (resources?.shm_size !== undefined) say("resources.shm_size", "the job is not in a container");
  if (resources?.docker_args !== undefined) say("resources.docker_args", "the job is not in a container");
  if (resources?.properties !== undefined) say("resources.properties", "nothing reads them");
  if (queue?.job_tier !== undefined && queue.job_tier !== null) say("queue_settings.job_tier", "there are no tiers");
  if (queue?.priority !== undefined) say("queue_settings.priority", "jobs run first come, first served");
  if (identity !== undefined) say("identity", "the job runs as the account that serves this home");
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
