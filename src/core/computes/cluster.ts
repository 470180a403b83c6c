import { AppError } from "../../contract/errors.ts";
import { nearest } from "../../spec/suggest.ts";
import { nearestToAzure } from "./azure-sizes.ts";
import { findMachine, type Machine, machineTypes, wordMachine } from "./machines.ts";

/** Whether machines may be taken away while they work, for a lower price. */
export type Tier = "dedicated" | "spot";

/** Azure's default for clusters: 4 vCPUs, 16 GiB. */
const DEFAULT_SIZE = "m5.xlarge";
/** Azure's default. */
export const DEFAULT_MAX_INSTANCES = 4;

/** Azure says `low_priority`, AWS `spot`. */
export function tierOf(word: string | undefined): Tier {
  return word === "low_priority" || word?.toLowerCase() === "spot" ? "spot" : "dedicated";
}

/** The machine behind a size, of EC2 or of Azure. Throws InvalidArgument with the nearest name there is. */
export function machineFor(size = DEFAULT_SIZE): { readonly machine: Machine; readonly note?: string } {
  const exact = findMachine(size);
  if (exact !== undefined) return { machine: exact };
  const like = nearestToAzure(size);
  if (like !== undefined) {
    const because = like.because === undefined ? "" : `; ${like.because}`;
    return { machine: like.machine, note: `\`${size}\` runs as ${wordMachine(like.machine)}${because}` };
  }
  const close = nearest(size.toLowerCase(), machineTypes());
  throw new AppError("InvalidArgument", `\`${size}\` is not a machine size this home knows`, {
    hint: `${close === undefined ? "" : `did you mean \`${close}\`? `}EC2 types like \`m5.xlarge\` or \`g5.2xlarge\`, and Azure sizes like \`Standard_DS3_v2\`, are`,
  });
}

/** What of a cluster's settings is taken otherwise than written. */
export function clusterNotes(spec: {
  readonly size?: string | undefined;
  readonly min_instances?: number | undefined;
  readonly idle_time_before_scale_down?: number | undefined;
}): readonly string[] {
  const { note } = machineFor(spec.size);
  return [
    ...(note === undefined ? [] : [note]),
    ...((spec.min_instances ?? 0) > 0
      ? ["`min_instances` is taken as 0: machines come with jobs, and go when there are none"]
      : []),
    ...(spec.idle_time_before_scale_down === undefined
      ? []
      : ["`idle_time_before_scale_down` is AWS Batch's to choose: a machine goes some minutes after its last job"]),
  ];
}
