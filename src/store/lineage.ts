import type { LineageEdge, LineageKind } from "../contract/lineage.ts";
import { isKnowable, type LineageIndex, type Step, type Thing } from "../core/lineage/ports.ts";
import type { Item, Table, Write } from "../core/ports/table.ts";
import { lineageEdgeKey, lineagePartition } from "./facts/keys.ts";

export interface Edge {
  /** Whose lineage it belongs to. */
  readonly of: Thing;
  readonly direction: "up" | "down";
  readonly step: Step;
}

/** Writes of edges, each once, for the transaction of what they tell of. */
export function edgeWrites(workspace: string, edges: readonly Edge[]): Write[] {
  const items = new Map<string, Item>();
  for (const { of, direction, step } of edges) {
    if (!isKnowable(of) || !isKnowable(step.thing)) continue;
    const key = edgeKey(workspace, { of, direction, step });
    const { thing, role, label } = step;
    const { kind, name, version } = thing;
    items.set(`${key.pk} ${key.sk}`, {
      ...key,
      type: "LINEAGE",
      v: 1,
      kind,
      name,
      role,
      ...(version === undefined ? {} : { version }),
      ...(label === undefined ? {} : { label }),
    });
  }
  return [...items.values()].map((item) => ({ kind: "put", item }));
}

/** Takes edges away again. */
export function edgeRemovals(workspace: string, edges: readonly Edge[]): Write[] {
  return edges
    .filter(({ of, step }) => isKnowable(of) && isKnowable(step.thing))
    .map((edge) => ({ kind: "delete", key: edgeKey(workspace, edge) }));
}

const WRITES_LIMIT = 100;

/**
 * The edges that one more transaction of `taken` writes has room for. The others are written here, before what they tell of:
 * a change that is then not made leaves an edge too many, one that is made lacks none.
 */
export async function fitEdges(table: Table, writes: readonly Write[], taken: number): Promise<readonly Write[]> {
  const room = Math.max(0, WRITES_LIMIT - taken);
  for (let at = room; at < writes.length; at += WRITES_LIMIT) await table.transact(writes.slice(at, at + WRITES_LIMIT));
  return writes.slice(0, room);
}

export function openLineageIndex({ table }: { readonly table: Table }): LineageIndex {
  return {
    async steps(workspace, { kind, name, version }, direction, limit) {
      const pk = lineagePartition(workspace, direction, kind, name, version);
      const steps: Step[] = [];
      let cursor: string | undefined;
      do {
        const page = await table.query({
          pk,
          limit: limit + 1 - steps.length,
          ...(cursor === undefined ? {} : { cursor }),
        });
        steps.push(...page.items.map(stepFrom));
        cursor = page.cursor;
      } while (cursor !== undefined && steps.length <= limit);
      return { steps: steps.slice(0, limit), more: steps.length > limit };
    },
  };
}

function edgeKey(workspace: string, { of, direction, step }: Edge) {
  return lineageEdgeKey(lineagePartition(workspace, direction, of.kind, of.name, of.version), step.role, step.thing);
}

function stepFrom(item: Item): Step {
  return {
    thing: {
      kind: item.kind as LineageKind,
      name: String(item.name),
      ...(item.version === undefined ? {} : { version: String(item.version) }),
    },
    role: item.role as LineageEdge["role"],
    ...(item.label === undefined ? {} : { label: String(item.label) }),
  };
}
