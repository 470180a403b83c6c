import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execute, root, timed } from "./home.ts";

/** Steps one after the other, or all at once. */
export type Shape = "chain" | "fan";

export interface StepPeer {
  readonly name: string;
  readonly version: string;
  /** Milliseconds of its command over steps that have not run; each is a process that makes one file. */
  run(shape: Shape, steps: number): Promise<number>;
  /** Milliseconds of its command over the same steps again, when nothing has changed. */
  again(): Promise<number>;
  close(): void;
}

const VERSIONS = { snakemake: "9.27.1", dvc: "3.67.1", metaflow: "2.19.39" };
const CORES = String(availableParallelism());
/** What a step does: argument 1 is its file. */
export const NOOP = 'import sys\nopen(sys.argv[1], "w").close()\n';

/** Their programs' folder: a virtual environment below node_modules/.cache, made on first use. */
export async function installPeers(): Promise<string> {
  const venv = join(root, "node_modules", ".cache", `step-peers-${Object.values(VERSIONS).join("-")}`);
  const bin = join(venv, "bin");
  const done = join(venv, "installed");
  if (existsSync(done)) return bin;
  process.stderr.write("installing Snakemake, DVC and Metaflow …\n");
  mkdirSync(dirname(venv), { recursive: true });
  rmSync(venv, { recursive: true, force: true });
  await execute("python3", ["-m", "venv", venv]);
  const requirements = Object.entries(VERSIONS).map(([name, version]) => `${name}==${version}`);
  await execute(join(bin, "python"), ["-m", "pip", "install", "--quiet", ...requirements]);
  writeFileSync(done, "");
  return bin;
}

/** Each in its usual form: files as what steps hand on, as many at once as there are processors where it can do so. */
export function openPeers(bin: string): readonly StepPeer[] {
  return [snakemake(bin), dvc(bin), metaflow(bin)];
}

/** A folder for each run, with the step's program. */
function makeFolders(): { next(): string; close(): void } {
  const made: string[] = [];
  return {
    next() {
      const folder = mkdtempSync(join(tmpdir(), "trainyard-bench-steps-"));
      made.push(folder);
      mkdirSync(join(folder, "out"));
      writeFileSync(join(folder, "noop.py"), NOOP);
      return folder;
    },
    close() {
      for (const folder of made) rmSync(folder, { recursive: true, force: true });
    },
  };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function snakemake(bin: string): StepPeer {
  const folders = makeFolders();
  let last = "";
  const command = () =>
    timed(() =>
      execute(join(bin, "snakemake"), ["--cores", CORES, "--quiet", "all"], {
        cwd: last,
        env: { ...process.env, XDG_CACHE_HOME: join(last, "cache") },
      }),
    );
  return {
    name: "Snakemake",
    version: VERSIONS.snakemake,
    run(shape, steps) {
      last = folders.next();
      const rules = numbers(steps).map((i) => {
        const input = shape === "chain" && i > 0 ? `    input: "out/${i - 1}"\n` : "";
        return `rule s${i}:\n${input}    output: "out/${i}"\n    shell: "${join(bin, "python")} noop.py {output}"\n`;
      });
      const wanted = shape === "chain" ? `"out/${steps - 1}"` : `[f"out/{i}" for i in range(${steps})]`;
      writeFileSync(join(last, "Snakefile"), `rule all:\n    input: ${wanted}\n${rules.join("")}`);
      return command();
    },
    again: command,
    close: folders.close,
  };
}

function dvc(bin: string): StepPeer {
  const folders = makeFolders();
  let last = "";
  const env = { ...process.env, DVC_NO_ANALYTICS: "true" };
  const program = join(bin, "dvc");
  const command = () => timed(() => execute(program, ["repro", "--quiet"], { cwd: last, env }));
  return {
    name: "DVC",
    version: VERSIONS.dvc,
    async run(shape, steps) {
      last = folders.next();
      await execute(program, ["init", "--no-scm", "--quiet"], { cwd: last, env });
      const stages = numbers(steps).map((i) => {
        const deps = shape === "chain" && i > 0 ? `    deps: [out/${i - 1}]\n` : "";
        return `  s${i}:\n    cmd: ${join(bin, "python")} noop.py out/${i}\n${deps}    outs: [out/${i}]\n`;
      });
      writeFileSync(join(last, "dvc.yaml"), `stages:\n${stages.join("")}`);
      return command();
    },
    again: command,
    close: folders.close,
  };
}

function metaflow(bin: string): StepPeer {
  const folders = makeFolders();
  let last = "";
  const command = (words: readonly string[]) => {
    const args = ["flow.py", "--quiet", "--no-pylint", ...words, "--max-workers", CORES];
    const env = { ...process.env, USERNAME: "bench", METAFLOW_HOME: join(last, "home"), METAFLOW_USER: "bench" };
    return timed(() => execute(join(bin, "python"), args, { cwd: last, env }));
  };
  return {
    name: "Metaflow",
    version: VERSIONS.metaflow,
    run(shape, steps) {
      last = folders.next();
      writeFileSync(join(last, "flow.py"), shape === "chain" ? chainFlow(steps) : fanFlow(steps));
      return command(["run", "--max-num-splits", String(steps)]);
    },
    again: () => command(["resume", "end"]),
    close: folders.close,
  };
}

const FLOW = "from metaflow import FlowSpec, step\nclass Flow(FlowSpec):\n";
const MAIN = 'if __name__ == "__main__":\n    Flow()\n';

/** Its first and last step have names of their own. */
function chainFlow(steps: number): string {
  const names = numbers(steps).map((i) => (i === 0 ? "start" : i === steps - 1 ? "end" : `s${i}`));
  const body = names.map((name, i) => {
    const does = name === "end" ? "pass" : `self.next(self.${names[i + 1]})`;
    return `    @step\n    def ${name}(self):\n        ${does}\n`;
  });
  return `${FLOW}${body.join("")}${MAIN}`;
}

function fanFlow(steps: number): string {
  const parts = [
    ["start(self)", `self.items = list(range(${steps}))\n        self.next(self.work, foreach="items")`],
    ["work(self)", "self.next(self.join)"],
    ["join(self, inputs)", "self.next(self.end)"],
    ["end(self)", "pass"],
  ];
  return `${FLOW}${parts.map(([name, does]) => `    @step\n    def ${name}:\n        ${does}\n`).join("")}${MAIN}`;
}
