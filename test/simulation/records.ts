import type { ChildOrder } from "../../src/core/coordinator/machine.ts";
import type { JobRecord } from "../../src/core/jobs/record.ts";
import { type CompositeSpec, courseOf, type Leaf, valuesOf } from "./scenario.ts";

export const WORKSPACE = "default";
export const COMPUTE = "local";

/** A job of the simulation, and the part of the scenario it plays. */
export interface Role {
  readonly id: string;
  readonly spec: Leaf | CompositeSpec;
  readonly order: ChildOrder;
  readonly parent?: string;
}

const ENVIRONMENT = { type: "image", image: "python" } as unknown as NonNullable<JobRecord["environment"]>;

const outputOf = (value: string): JobRecord["outputs"][string] => ({
  type: "string",
  uri: "azureml://datastores/workspaceblobstore/paths/o",
  mode: "upload",
  is_file: true,
  contents: { digest: "", files: 1, bytes: value.length, value },
});

/** `turn` is its place in the queue. */
export function recordOf(role: Role, turn: number, nowMs: number): JobRecord {
  const isComposite = role.spec.kind !== "leaf";
  const reused = role.spec.kind === "leaf" && courseOf(role.spec, role.order).end === "reused";
  const most = role.spec.kind === "leaf" ? (courseOf(role.spec, role.order).retries ?? 0) : 0;
  const at = new Date(nowMs).toISOString();
  const status = reused ? "Completed" : "Queued";
  return {
    workspace: WORKSPACE,
    name: role.id,
    rev: 1,
    edits: 1,
    digest: "",
    queueSeq: String(turn).padStart(12, "0"),
    displayName: role.id,
    experimentId: "1",
    experimentName: "simulation",
    properties: {},
    createdMs: nowMs,
    createdBy: "system",
    archived: false,
    spec: { type: "command", command: "true", environment: "e" },
    compute: isComposite ? "" : COMPUTE,
    ...(isComposite ? { coordinated: true } : { environment: ENVIRONMENT }),
    inputs: {},
    outputs: Object.fromEntries(
      Object.entries(valuesOf(role.spec, role.order)).map(([name, value]) => [name, outputOf(value)]),
    ),
    warnings: [],
    ...(role.parent === undefined
      ? {}
      : { parent: role.parent, composite: { root: "root", parent: role.parent, child: role.order.child } }),
    ...(reused ? { reusedFrom: "earlier", endedMs: nowMs } : {}),
    status,
    history: [{ status, at, by: "system" }],
    attempts: [],
    ...(most === 0 ? {} : { retries: { most, used: 0 } }),
  };
}
