import { lineage as routes } from "../../client/routes.ts";
import type { LineageEdge, LineageGraph, LineageNode } from "../../contract/lineage.ts";
import { command, flag, type Noun } from "../command.ts";
import type { Ctx } from "../context.ts";
import { one, type Shown, text } from "../output/shown.ts";

const KINDS = ["data", "dataset", "run", "job", "logged_model", "model", "deployment"] as const;

export const lineage: Noun = {
  brief: "What something was made from, and what came of it",
  only: command({
    brief: "What something was made from, and what came of it: data, runs, models, deployments",
    args: {
      brief: "azureml:NAME:VERSION or azureml:NAME@LABEL, a job's or run's name, ENDPOINT/DEPLOYMENT",
      placeholder: "ref",
    },
    flags: {
      kind: flag.choice("What it is, where several things have this name", KINDS, { placeholder: "kind" }),
      up: flag.is("Only what it was made from"),
      down: flag.is("Only what came of it"),
      depth: flag.number("Walks so many steps; default 10", { placeholder: "steps" }),
    },
    run: async (ctx, given, [ref = ""]) => {
      const { client, workspace } = await ctx.link();
      const direction = given.up === given.down ? "both" : given.up ? "up" : "down";
      const { depth } = given;
      // A job is a run.
      const kind = given.kind === "job" ? "run" : given.kind;
      const graph = await client.call(routes.get, { params: { workspace }, query: { ref, kind, direction, depth } });
      return shownAs(ctx, graph, direction);
    },
  }),
};

function shownAs(ctx: Ctx, graph: LineageGraph, direction: "up" | "down" | "both"): Shown {
  return ctx.human ? text(treeText(graph, direction)) : one(graph);
}

/** The root, then a tree of what is upstream and one of what is downstream. What stands in a tree already is named again, without what follows it. */
export function treeText(graph: LineageGraph, direction: "up" | "down" | "both"): string {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const root = nodes.get(graph.root);
  if (root === undefined) return "";
  const lines = [wordsOf(root)];
  if (direction !== "down") lines.push("made from", ...treeOf(graph, nodes, "up"));
  if (direction !== "up") lines.push("became", ...treeOf(graph, nodes, "down"));
  if (graph.truncated !== undefined) lines.push(`not all is shown: ${graph.truncated}`);
  return `${lines.join("\n")}\n`;
}

function treeOf(graph: LineageGraph, nodes: ReadonlyMap<string, LineageNode>, direction: "up" | "down"): string[] {
  const near = Map.groupBy(graph.edges, (edge) => (direction === "up" ? edge.to : edge.from));
  const seen = new Set([graph.root]);
  const lines: string[] = [];
  const add = (id: string, indent: string): void => {
    const edges = near.get(id) ?? [];
    for (const [i, edge] of edges.entries()) {
      const next = direction === "up" ? edge.from : edge.to;
      const node = nodes.get(next);
      if (node === undefined) continue;
      const isLast = i === edges.length - 1;
      const again = seen.has(next) && near.has(next) ? "  (as above)" : "";
      lines.push(`${indent}${isLast ? "└─ " : "├─ "}${wordsOf(node)}  ${roleOf(edge)}${again}`);
      if (seen.has(next)) continue;
      seen.add(next);
      add(next, `${indent}${isLast ? "   " : "│  "}`);
    }
  };
  add(graph.root, "");
  return lines.length === 0 ? ["└─ nothing that is known"] : lines;
}

function wordsOf(node: LineageNode): string {
  const title = node.display_name === undefined ? "" : ` "${node.display_name}"`;
  const status = node.missing === true ? "deleted" : node.status;
  return `${node.kind.replace("_", " ")} ${node.ref}${title}${status === undefined ? "" : `  ${status}`}`;
}

const roleOf = ({ role, name }: LineageEdge): string => `[${role}${name === undefined ? "" : ` ${name}`}]`;
