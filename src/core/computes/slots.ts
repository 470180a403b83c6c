import { DEFAULT_MAX_INSTANCES } from "./cluster.ts";
import type { ComputeRecord } from "./record.ts";

/** Jobs a compute takes at once. `defaultSlots` is for the one every home has; a machine attached without a number takes one job at a time. */
export function slotsOf(record: ComputeRecord, defaultSlots: number): number {
  const { spec } = record;
  if (spec.type === "local") return spec.slots ?? defaultSlots;
  if (spec.type === "attached") return spec.slots ?? 1;
  if (spec.type === "cluster") return spec.max_instances ?? DEFAULT_MAX_INSTANCES;
  return 0;
}
