import type { LineageEdge } from "../../contract/lineage.ts";
import { type Direction, idOf, type Step, type Thing } from "./ports.ts";

export interface Limits {
  readonly depth: number;
  readonly nodes: number;
}

/** Finds what is one step away; `more`: not all of it was read. */
export type Near = (
  thing: Thing,
  direction: Direction,
) => Promise<{ readonly steps: readonly Step[]; readonly more: boolean }>;

export interface Walked {
  readonly things: readonly Thing[];
  readonly edges: readonly {
    readonly from: Thing;
    readonly to: Thing;
    readonly role: LineageEdge["role"];
    readonly label?: string;
  }[];
  /** Sentences on what was left out. */
  readonly cuts: readonly string[];
}

const AT_ONCE = 16;

/** Walks level by level from the root: all that it was made from, all that came of it. Every thing is looked at once, so rings end. */
export async function walk(root: Thing, directions: readonly Direction[], limits: Limits, near: Near): Promise<Walked> {
  const things = new Map<string, Thing>([[idOf(root), root]]);
  const edges = new Map<string, Walked["edges"][number]>();
  const cuts = new Set<string>();
  let isFull = false;
  for (const direction of directions) {
    const seen = new Set([idOf(root)]);
    let level: readonly Thing[] = [root];
    for (let depth = 0; level.length > 0; depth++) {
      const next: Thing[] = [];
      for await (const [thing, { steps, more }] of lookAll(level, direction, near, () => isFull)) {
        if (more) cuts.add("a node has more neighbours than are read");
        for (const step of steps) {
          const id = idOf(step.thing);
          if (!seen.has(id)) {
            if (depth >= limits.depth) {
              cuts.add(`depth ${limits.depth} was reached; a higher \`depth\` shows more`);
              continue;
            }
            if (!things.has(id) && things.size >= limits.nodes) {
              isFull = true;
              cuts.add(`${limits.nodes} nodes were reached; ask from a node further on`);
              continue;
            }
            seen.add(id);
            things.set(id, step.thing);
            next.push(step.thing);
          }
          const [from, to] = direction === "up" ? [step.thing, thing] : [thing, step.thing];
          addEdge(edges, { from, to, role: step.role, ...(step.label === undefined ? {} : { label: step.label }) });
        }
      }
      level = next;
    }
  }
  return { things: [...things.values()], edges: [...edges.values()], cuts: [...cuts] };
}

/** A pair may be told twice, by a record and by the index: the one with a name says more. */
function addEdge(edges: Map<string, Walked["edges"][number]>, edge: Walked["edges"][number]): void {
  const pair = `${idOf(edge.from)} ${idOf(edge.to)} ${edge.role}`;
  const first = edges.get(pair);
  if (first === undefined || (first.label === undefined && edge.label !== undefined)) edges.set(pair, edge);
  else if (edge.label !== undefined && edge.label !== first.label) edges.set(`${pair} ${edge.label}`, edge);
}

/** A few at a time, and none after the answer is full: what is read stays in proportion to what is answered. */
async function* lookAll(level: readonly Thing[], direction: Direction, near: Near, isFull: () => boolean) {
  for (let at = 0; at < level.length && !isFull(); at += AT_ONCE) {
    const some = level.slice(at, at + AT_ONCE);
    yield* await Promise.all(some.map(async (thing) => [thing, await near(thing, direction)] as const));
  }
}
