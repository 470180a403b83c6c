import type { ParallelStep } from "../../../contract/pipelines.ts";
import { type Data, pick, record } from "../../../spec/data.ts";
import type { Problem } from "../../jobs/problems.ts";
import type { ComponentBody } from "./components.ts";

/** Fields that say how mini-batches are made and tried, as components and steps have them. */
const SETTINGS = [
  "mini_batch_size",
  "partition_keys",
  "max_concurrency_per_instance",
  "retry_settings",
  "mini_batch_error_threshold",
  "error_threshold",
  "logging_level",
];

/** A parallel step as the body of a command whose runner cuts the input: what the step says goes before what its component says. Undefined where something is wrong. */
export function parallelBody(
  step: ParallelStep,
  component: ComponentBody | undefined,
  say: (problem: Problem) => void,
): ComponentBody | undefined {
  const given: Data = { ...component, ...withoutAbsent(step) };
  const task: Data = { ...record(component?.task), ...record(step.task) };
  const script = task.entry_script;
  if (task.type === "model" || typeof script !== "string") {
    const hint = "give `entry_script`, a file of the code that defines `run(mini_batch)`";
    say({ field: "task", message: "a parallel task runs an entry script here", hint });
    return undefined;
  }
  const input = portOf(given.input_data, "inputs");
  const rows = portOf(task.append_row_to, "outputs");
  if (input === undefined) {
    say({
      field: "input_data",
      message: "it names the input that is cut into mini-batches",
      hint: "`${{inputs.NAME}}`",
    });
  }
  if (task.append_row_to !== undefined && rows === undefined) {
    say({ field: "task.append_row_to", message: "it names an output", hint: "`${{outputs.NAME}}`" });
  }
  if (input === undefined || (task.append_row_to !== undefined && rows === undefined)) return undefined;
  const words = typeof task.program_arguments === "string" ? task.program_arguments : undefined;
  const environment = step.environment ?? task.environment ?? component?.environment;
  const { mini_batch_size: size, ...settings } = pick(given, SETTINGS);
  return {
    ...component,
    type: "command",
    // Its words, for whoever reads the job; and what expressions are looked for in.
    command: words === undefined ? script : `${script} ${words}`,
    ...pick({ code: task.code, environment, resources: given.resources }, ["code", "environment", "resources"]),
    parallel: {
      entry_script: script,
      ...(words === undefined ? {} : { program_arguments: words }),
      input_data: input,
      ...(rows === undefined ? {} : { append_row_to: rows }),
      ...(size === undefined ? {} : { mini_batch_size: String(size) }),
      ...settings,
    },
  } as ComponentBody;
}

/** The name in `${{inputs.NAME}}`. */
function portOf(text: unknown, group: "inputs" | "outputs"): string | undefined {
  if (typeof text !== "string") return undefined;
  const found = /^\s*\$\{\{\s*(inputs|outputs)\.([A-Za-z_][\w.]*)\s*\}\}\s*$/.exec(text);
  return found?.[1] === group ? found[2] : undefined;
}

function withoutAbsent(value: object): Data {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined && member !== null));
}
