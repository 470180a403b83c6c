import { type BindingToken, bindingsOf, stepNamed, wholeBinding } from "../contract/expressions.ts";
import { checkTemplate, undefinedName } from "./bindings.ts";
import { checkBoundTypes } from "./bound-types.ts";
import { join } from "./complain.ts";
import { optionalInputs } from "./kinds/components.ts";
import { child, type Entry, isNull, keysOf, type Place, placeAt, placeInside, type SpecNode, textOf } from "./nodes.ts";
import { checkValue, isRequired } from "./port-values.ts";
import { parseRef } from "./refs.ts";
import type { CheckContext } from "./schema.ts";
import { BLOCKS, givenByItems, kindOf, type Step, type StepPorts } from "./steps.ts";
import { listed, nearest } from "./suggest.ts";

interface Edge {
  readonly to: string;
  readonly field: string;
  readonly place: Place;
}

/**
 * What the parts of a pipeline say about each other: bindings name things that exist, required inputs are given, literals fit, nothing
 * waits for itself. Works for pipeline jobs and pipeline components alike; component files are read as far as they are local.
 */
export function checkPipeline(node: SpecNode, at: string, ctx: CheckContext): void {
  const component = child(node, "component");
  if (component && !isNull(component)) {
    const ports = portsOf(node, at, ctx);
    if (ports) checkGiven({ name: "", field: at, node, ports }, node, ctx);
    return;
  }
  const jobs = child(node, "jobs");
  if (jobs?.form !== "map") return;
  const steps = new Map<string, Step>();
  for (const [name, entry] of jobs.entries) {
    const field = join(join(at, "jobs"), name);
    steps.set(name, { name, field, node: entry.node, ports: portsOf(entry.node, field, ctx) });
  }
  const edges = new Map<string, Edge[]>();
  const byItems = givenByItems(steps);
  for (const step of steps.values()) {
    edges.set(step.name, checkStepBindings(step, node, steps, ctx));
    if (step.ports) checkGiven(step, node, ctx, byItems.get(step.name));
    checkBoundTypes(step, node, steps, ctx);
    checkTrial(step, ctx);
  }
  for (const step of steps.values()) checkBlocks(step, steps, edges, ctx);
  reportCycle(edges, ctx);
  warnUnboundOutputs(node, at, steps, ctx);
}

/** Ports of a step's component, as far as they can be read here. */
function portsOf(step: SpecNode, field: string, ctx: CheckContext): StepPorts | undefined {
  const sweep = textOf(child(step, "type"))?.toLowerCase() === "sweep";
  const key = sweep ? "trial" : "component";
  const component = child(step, key);
  if (!component || isNull(component)) return undefined;
  const filled = new Set(sweep ? keysOf(child(step, "search_space")) : []);
  if (component.form === "map")
    return { inputs: child(component, "inputs"), outputs: child(component, "outputs"), filled, nested: false };
  const text = textOf(component)?.trim() ?? "";
  const parsed = parseRef(text);
  if (parsed.form !== "local" || wholeBinding(text)) return undefined;
  const loaded = ctx.specs.load("component", parsed.path, component, join(field, key), {
    ...ctx,
    anonymous: true,
    bindings: false,
  });
  if (!loaded) return undefined;
  return {
    inputs: child(loaded.root, "inputs"),
    outputs: child(loaded.root, "outputs"),
    filled,
    nested: loaded.kind === "component.pipeline",
  };
}

function checkTrial(step: Step, ctx: CheckContext): void {
  const trial = child(step.node, "trial");
  const template = child(trial, "command");
  if (trial?.form !== "map" || template?.form !== "scalar") return;
  checkTemplate(template, join(step.field, "trial.command"), ctx, {
    inputs: [...keysOf(child(trial, "inputs")), ...keysOf(child(step.node, "inputs"))],
    outputs: [...keysOf(child(trial, "outputs")), ...keysOf(child(step.node, "outputs"))],
    searchSpace: keysOf(child(step.node, "search_space")),
    optional: optionalInputs(trial),
    spaces: ["inputs", "outputs", "search_space"],
  });
}

/** What a control step names must be there, and waits for it: for the decision, or for its loop. */
function checkBlocks(
  step: Step,
  steps: ReadonlyMap<string, Step>,
  edges: ReadonlyMap<string, Edge[]>,
  ctx: CheckContext,
): void {
  for (const key of BLOCKS[kindOf(step)] ?? []) {
    const given = child(step.node, key);
    for (const node of given?.form === "list" ? given.items : given === undefined ? [] : [given]) {
      const field = join(step.field, key);
      const name = stepNamed(textOf(node) ?? "");
      if (steps.has(name)) {
        edges.get(name)?.push({ to: step.name, field, place: placeAt(node.src, node.start) });
        continue;
      }
      const known = [...steps.keys()];
      ctx.findings.error(
        node,
        field,
        `no step named \`${name}\` (steps: ${listed(known)})`,
        nearestHint(name, known) ?? "write a step's name, or `${{parent.jobs.NAME}}`",
      );
    }
  }
}

/** Held against a component's ports: unknown names, missing inputs, literals that do not fit. */
function checkGiven(step: Step, pipeline: SpecNode, ctx: CheckContext, later?: (name: string) => boolean): void {
  const ports = step.ports;
  if (!ports) return;
  const given = child(step.node, "inputs");
  const names = keysOf(ports.inputs);
  const whose = step.name === "" ? "the component" : `step \`${step.name}\``;
  if (given?.form === "map") {
    for (const [name, entry] of given.entries) {
      const field = join(join(step.field, "inputs"), name);
      const port = child(ports.inputs, name);
      if (port) checkValue(port, entry.node, field, name, pipeline, ctx);
      else if (
        !names.some((known) => known.startsWith(`${name}.`) || name.startsWith(`${known}.`)) &&
        !ports.filled.has(name)
      ) {
        const near = nearest(name, names);
        const hint = near === undefined ? `its inputs are ${listed(names)}` : `did you mean \`${near}\`?`;
        // Azure drops what a pipeline component does not declare, and its examples count on it; a likely slip is still one.
        const say = ports.nested && near === undefined ? "warn" : "error";
        ctx.findings[say](keyPlace(entry), field, `${whose} has no input \`${name}\``, hint);
      }
    }
  }
  for (const name of names) {
    const port = child(ports.inputs, name);
    const value = child(given, name);
    if (ports.filled.has(name) || later?.(name) || (value && !isNull(value)) || !isRequired(port)) continue;
    const at = given?.form === "map" ? given : step.node;
    const type = textOf(child(port, "type"));
    ctx.findings.error(
      at,
      join(join(step.field, "inputs"), name),
      `missing required input \`${name}\` of ${whose}`,
      type === undefined ? undefined : `it is of type \`${type}\``,
    );
  }
  const outputs = child(step.node, "outputs");
  if (outputs?.form !== "map") return;
  const known = keysOf(ports.outputs);
  for (const [name, entry] of outputs.entries) {
    if (known.includes(name) || name === "artifacts") continue;
    const near = nearest(name, known);
    const hint = near === undefined ? `its outputs are ${listed(known)}` : `did you mean \`${near}\`?`;
    ctx.findings.error(
      keyPlace(entry),
      join(join(step.field, "outputs"), name),
      `${whose} has no output \`${name}\``,
      hint,
    );
  }
}

function keyPlace(entry: Entry): Place {
  return placeAt(entry.src, entry.keyStart);
}

/** Names whose text is about the step's own ports, not the pipeline's. */
const OWN_TEXTS = new Set([
  "command",
  "args",
  "program_arguments",
  "append_row_to",
  "input_data",
  "component",
  "trial",
  "environment_variables",
]);

/** Checks every `${{parent...}}` of a step and answers the steps it waits for. */
function checkStepBindings(
  step: Step,
  pipeline: SpecNode,
  steps: ReadonlyMap<string, Step>,
  ctx: CheckContext,
): Edge[] {
  const edges: Edge[] = [];
  // A loop's fields speak of its body, which it does not wait for.
  const own = new Set(kindOf(step) in BLOCKS ? [...(BLOCKS[kindOf(step)] ?? []), "mapping"] : []);
  const body = kindOf(step) === "do_while" ? stepNamed(textOf(child(step.node, "body")) ?? "") : undefined;
  const visit = (node: SpecNode, field: string, isOutput: boolean) => {
    if (node.form === "map") {
      for (const [key, entry] of node.entries) {
        const top = field === step.field;
        if (top && own.has(key)) continue;
        if ((top && OWN_TEXTS.has(key)) || (key === "task" && top) || key === "$schema") continue;
        visit(entry.node, join(field, key), isOutput || (top && key === "outputs"));
      }
    } else if (node.form === "list") {
      for (const [i, item] of node.items.entries()) visit(item, `${field}[${i}]`, isOutput);
    } else if (node.kind === "str" && node.text.includes("${{")) {
      for (const token of bindingsOf(node.text)) {
        const complaint = complain(token, isOutput, pipeline, steps);
        if (complaint) ctx.findings.error(placeInside(node, token.raw), field, complaint.message, complaint.hint);
        else if (token.path[0] === "parent" && token.path[1] === "jobs" && !isOutput && token.path[2] !== body) {
          edges.push({ to: token.path[2] ?? "", field, place: placeInside(node, token.raw) });
        }
      }
    }
  };
  visit(step.node, step.field, false);
  return edges;
}

const SERVER_WORDS = new Set(["name", "default_datastore", "output_name"]);

function complain(
  token: BindingToken,
  isOutput: boolean,
  pipeline: SpecNode,
  steps: ReadonlyMap<string, Step>,
): { message: string; hint?: string | undefined } | undefined {
  const [root = "", space = "", ...rest] = token.path;
  if (root !== "parent") {
    if (SERVER_WORDS.has(root) && space === "") return undefined;
    const fixed =
      root === "inputs" || root === "outputs" || root === "jobs" ? `\${{parent.${token.path.join(".")}}}` : undefined;
    const hint =
      fixed === undefined
        ? "a step is bound with `parent.inputs.NAME`, `parent.outputs.NAME` or `parent.jobs.STEP.outputs.NAME`"
        : `did you mean \`${fixed}\`?`;
    return { message: `\`${token.raw}\` has no meaning here`, hint };
  }
  if (space === "inputs" || space === "outputs") {
    const name = rest.join(".");
    const known = keysOf(child(pipeline, space));
    const noun = space === "inputs" ? "pipeline input" : "pipeline output";
    if (known.includes(name) || known.includes(rest[0] ?? "") || known.some((word) => word.startsWith(`${name}.`)))
      return undefined;
    return {
      ...undefinedName(noun, name, known),
      hint: nearestHint(name, known) ?? `define it under \`${space}\` of the pipeline`,
    };
  }
  if (space !== "jobs") {
    const near = nearest(space, ["inputs", "outputs", "jobs"]);
    return {
      message: `\`${token.raw}\`: \`parent\` has \`inputs\`, \`outputs\` and \`jobs\`, no \`${space}\``,
      hint: near === undefined ? undefined : `did you mean \`parent.${near}\`?`,
    };
  }
  const [name = "", side, ...port] = rest;
  const target = steps.get(name);
  if (!target)
    return {
      message: `no step named \`${name}\` (steps: ${listed(steps.keys())})`,
      hint: nearestHint(name, [...steps.keys()]),
    };
  if (side !== "outputs" && side !== "inputs") {
    return {
      message: `\`${token.raw}\` must say \`outputs\` after the step's name`,
      hint: `write \`\${{parent.jobs.${name}.outputs.NAME}}\``,
    };
  }
  if (isOutput)
    return { message: `\`${token.raw}\`: an output is bound to \`parent.outputs.NAME\`, not to another step` };
  const wanted = port.join(".");
  if (wanted === "")
    return { message: `\`${token.raw}\` lacks the name of an ${side === "inputs" ? "input" : "output"}` };
  const known = portNames(target, side);
  if (known === undefined || known.includes(wanted) || (side === "outputs" && wanted === "artifacts")) return undefined;
  return {
    message: `step \`${name}\` has no ${side === "outputs" ? "output" : "input"} \`${wanted}\` (${side}: ${listed(known)})`,
    hint: nearestHint(wanted, known),
  };
}

function nearestHint(word: string, known: readonly string[]): string | undefined {
  const near = nearest(word, known);
  return near === undefined ? undefined : `did you mean \`${near}\`?`;
}

/** Undefined: the component is elsewhere, so any name may be right. */
function portNames(step: Step, side: "inputs" | "outputs"): string[] | undefined {
  const own = keysOf(child(step.node, side));
  if (step.ports) return [...own, ...keysOf(step.ports[side])];
  const elsewhere = !isNull(child(step.node, "component")) || !isNull(child(step.node, "trial"));
  const type = textOf(child(step.node, "type"))?.toLowerCase() ?? "command";
  if (elsewhere || !["command", "parallel", "spark"].includes(type)) return undefined;
  return own;
}

/** Reports the first cycle found, at the binding that closes it. */
function reportCycle(edges: ReadonlyMap<string, readonly Edge[]>, ctx: CheckContext): void {
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (name: string): boolean => {
    if (done.has(name)) return false;
    open.push(name);
    for (const edge of edges.get(name) ?? []) {
      const back = open.indexOf(edge.to);
      if (back >= 0) {
        const ring = [...open.slice(back), edge.to].map((step) => `\`${step}\``).join(" waits for ");
        ctx.findings.error(edge.place, edge.field, `steps form a cycle: ${ring}`, "one of these bindings must go");
        return true;
      }
      if (visit(edge.to)) return true;
    }
    open.pop();
    done.add(name);
    return false;
  };
  for (const name of edges.keys()) if (visit(name)) return;
}

function warnUnboundOutputs(node: SpecNode, at: string, steps: ReadonlyMap<string, Step>, ctx: CheckContext): void {
  const outputs = child(node, "outputs");
  if (outputs?.form !== "map") return;
  const bound = new Set<string>();
  const visit = (part: SpecNode) => {
    if (part.form === "map") for (const entry of part.entries.values()) visit(entry.node);
    else if (part.form === "list") part.items.forEach(visit);
    else if (part.text.includes("${{")) {
      for (const token of bindingsOf(part.text))
        if (token.path[1] === "outputs") bound.add(token.path.slice(2).join("."));
    }
  };
  for (const step of steps.values()) visit(step.node);
  for (const [name, entry] of outputs.entries) {
    if (!bound.has(name))
      ctx.findings.warn(
        keyPlace(entry),
        join(join(at, "outputs"), name),
        `no step writes the pipeline output \`${name}\``,
      );
  }
}
