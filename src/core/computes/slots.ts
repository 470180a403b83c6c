import type { ComputeRecord } from "./record.ts";

/** Jobs a compute takes at once. `defaultSlots` is for this machine; a machine attached without a number takes one job at a time. */
export function slotsOf(record: ComputeRecord, defaultSlots: number): number {
  const { spec } = record;
  if (spec.type === "local") return spec.slots ?? defaultSlots;
  if (spec.type === "attached") return spec.slots ?? 1;
  return 0;
}
