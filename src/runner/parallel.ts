import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { AppError } from "../contract/errors.ts";
import { renderCommand } from "../contract/expressions.ts";
import type { AssignedParallel } from "../contract/parallel.ts";
import type { Assignment } from "../contract/runner.ts";
import type { Ports } from "./ports.ts";

/** Text of the files in `python/parallel` by their paths, put in where the runner is bundled. */
declare const PARALLEL_FILES: Readonly<Record<string, string>> | undefined;

const MAX_RETRIES = 2;
const TIMEOUT_SEC = 60;
/** Where rows go in an output that is a folder, as Azure ML names it. */
const ROWS_FILE = "parallel_run_step.txt";

/** Lays what runs an entry script over mini-batches into the attempt's folder. Answers the command that does. */
export function layParallel(assignment: Assignment, task: AssignedParallel, ports: Ports, folder: string): string {
  const place = join(folder, "parallel");
  for (const [path, text] of Object.entries(driverFiles())) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text);
  }
  const settings = join(place, "settings.json");
  writeFileSync(settings, JSON.stringify(settingsOf(assignment, task, ports)));
  return `"$(command -v python || command -v python3)" -u "${join(place, "drive.py")}" "${settings}"`;
}

function settingsOf(assignment: Assignment, task: AssignedParallel, ports: Ports): Record<string, unknown> {
  const { append_row_to: rows, program_arguments: words = "" } = task;
  const to = rows === undefined ? undefined : ports.outputs[rows];
  return {
    entry_script: task.entry_script,
    program_arguments: renderCommand(words, ports),
    input: inputOf(assignment, task, ports),
    mini_batch_size: task.mini_batch_size,
    partition_keys: task.partition_keys,
    processes: task.max_concurrency_per_instance,
    max_retries: task.retry_settings?.max_retries ?? MAX_RETRIES,
    timeout_sec: task.retry_settings?.timeout ?? TIMEOUT_SEC,
    mini_batch_error_threshold: task.mini_batch_error_threshold ?? -1,
    error_threshold: task.error_threshold ?? -1,
    logging_level: task.logging_level?.toUpperCase(),
    append_to: to === undefined || assignment.outputs[rows ?? ""]?.is_file === true ? to : join(to, ROWS_FILE),
    nodes: assignment.instance_count,
    key: task.key,
  };
}

function inputOf(assignment: Assignment, { input_data: name }: AssignedParallel, ports: Ports): object {
  const path = ports.inputs[name];
  if (path === undefined)
    throw new AppError(
      "InvalidArgument",
      `input \`${name}\` was not given, so there is nothing to cut into mini-batches`,
    );
  return assignment.inputs[name]?.type === "mltable" ? { name, path, table: readTable(name, path) } : { name, path };
}

/** The MLTable's description as data: Python has no YAML of its own. */
function readTable(name: string, folder: string): unknown {
  const path = join(folder, "MLTable");
  try {
    return parse(readFileSync(path, "utf8")) ?? {};
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError(
      "InvalidArgument",
      `input \`${name}\` is no mltable: its file \`MLTable\` can't be read (${why})`,
    );
  }
}

function driverFiles(): Readonly<Record<string, string>> {
  if (typeof PARALLEL_FILES !== "undefined") return PARALLEL_FILES;
  const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "python", "parallel");
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => name.endsWith(".py") && statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}
