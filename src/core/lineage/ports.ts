import type { LineageEdge, LineageKind } from "../../contract/lineage.ts";

/**
 * One thing in a workspace's lineage. `name`: a run's id, a logged model's id, `endpoint/deployment`, the name of data or a dataset,
 * the registry's id of a model (it survives a rename). `version`: of data and models; of a dataset its digest.
 */
export interface Thing {
  readonly kind: LineageKind;
  readonly name: string;
  readonly version?: string;
}

export type Direction = "up" | "down";

/** One step from a thing to a thing. */
export interface Step {
  readonly thing: Thing;
  readonly role: LineageEdge["role"];
  readonly label?: string;
}

/** Edges that are kept as records of their own, since no record of the thing itself has them. */
export interface LineageIndex {
  /** At most `limit` steps; `more`: there are others. */
  steps(
    workspace: string,
    thing: Thing,
    direction: Direction,
    limit: number,
  ): Promise<{ readonly steps: readonly Step[]; readonly more: boolean }>;
}

export const idOf = ({ kind, name, version }: Thing): string => JSON.stringify([kind, name, version ?? ""]);

const RUN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,255}$/;
const LOGGED_MODEL = /^m-[A-Za-z0-9-]{1,100}$/;

/** False for an id that is none of ours: what an MLflow client calls a run's or a logged model's id may be any text, and leads nowhere. */
export function isKnowable({ kind, name }: Thing): boolean {
  if (kind === "run") return RUN.test(name);
  return kind !== "logged_model" || LOGGED_MODEL.test(name);
}
