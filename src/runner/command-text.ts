import { renderCommand } from "../contract/expressions.ts";
import type { Assignment } from "../contract/runner.ts";
import type { Ports } from "./ports.ts";

/** What the shell is to run. */
export async function commandText(assignment: Assignment, ports: Ports, folder: string): Promise<string> {
  const { parallel } = assignment;
  if (parallel === undefined) return renderCommand(assignment.command, ports);
  // Few need it, and what it reads YAML with takes its time to load.
  const { layParallel } = await import("./parallel.ts");
  return layParallel(assignment, parallel, ports, folder);
}
