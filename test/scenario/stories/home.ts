import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type CliOptions, type CliResult, yard } from "../../helpers/cli.ts";
import { MLFLOW_CLIENT, mlflowVariables, pythonWith, runPython } from "../../helpers/python.ts";

/** Where the stories happen. */
export interface StoryHome {
  readonly kind: "laptop" | "AWS";
  readonly url: () => string;
  /** The owner's name here. */
  readonly owner: string;
  /** Signs a person in by the real command line, which remembers home and token in the person's folder. The owner's commands may prepare it. */
  signIn(me: Person, name: string, owner: Person): Promise<CliResult>;
  /** For programs that have to find the home's addresses. */
  readonly variables: () => Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** One person at a terminal: a folder, what it remembers, and the commands. */
export interface Person {
  readonly folder: string;
  /** What one story leaves for the next ones. */
  readonly memory: Map<string, string>;
  /** Any end is fine. */
  try(line: string, more?: Partial<CliOptions>): Promise<CliResult>;
  /** Ends well; answers what it printed. */
  run(line: string, more?: Partial<CliOptions>): Promise<string>;
  /** The same, as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: each command has a shape of its own, which the story's expectations tell
  json(line: string): Promise<any>;
  /** Does it with MLflow's own client; answers the JSON that the script prints last. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  mlflow(function_: string, ...args: readonly string[]): Promise<any>;
}

const EXAMPLES = fileURLToPath(new URL("../../../examples", import.meta.url));
const SCRIPT = join(import.meta.dirname, "with_mlflow.py");

export function makePerson(home: StoryHome, folder: string): Person {
  mkdirSync(folder, { recursive: true });
  for (const example of ["quickstart", "pipeline"])
    cpSync(join(EXAMPLES, example), join(folder, example), { recursive: true });
  const memory = new Map<string, string>();
  const person: Person = {
    folder,
    memory,
    try: (line, more = {}) => yard(line.split(" "), { cwd: folder, ...more }),
    async run(line, more) {
      const result = await person.try(line, more);
      expect(result, `yard ${line}: ${result.err}`).toMatchObject({ code: 0 });
      return result.out;
    },
    json: async (line) => JSON.parse(await person.run(`${line} -o json`)),
    async mlflow(...args) {
      const { token } = JSON.parse(readFileSync(join(folder, ".config/trainyard/config.json"), "utf8"));
      const variables = { ...mlflowVariables({ url: home.url(), token }), ...home.variables() };
      const result = await runPython(await pythonWith(MLFLOW_CLIENT), [SCRIPT, ...args], {
        ...variables,
        MLFLOW_TRACKING_URI: `${home.url()}/w/wines`,
      });
      expect(result, result.stderr.slice(-4000)).toMatchObject({ code: 0 });
      return JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
    },
  };
  return person;
}
