import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execute, openBenchHome, yard } from "./home.ts";
import type { Bench } from "./measure.ts";

/** The script tells when its first line ran by a file, so that reading a log costs neither side anything. */
const SCRIPT = 'import os, time\nopen(os.environ["FIRST_LINE"], "w").write(repr(time.time()))\nprint("hello")\n';

/** From the command to the script's first line, environment warm. */
export const bench: Bench = {
  name: "submit",
  unit: "ms from the command to the script's first line",
  rounds: 15,
  target: "under 250 ms",
  async prepare() {
    const home = await openBenchHome();
    const folder = join(home.dir, "project");
    mkdirSync(join(folder, "src"), { recursive: true });
    writeFileSync(join(folder, "src", "train.py"), SCRIPT);
    const mark = join(home.dir, "first-line");
    writeFileSync(
      join(folder, "job.yml"),
      `command: python train.py\ncode: src\nenvironment:\n  image: python\nenvironment_variables:\n  FIRST_LINE: ${mark}\ncompute: local\n`,
    );
    const firstLine = async (command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv) => {
      rmSync(mark, { force: true });
      const start = Date.now();
      const child = spawn(command, args, { cwd, env: { ...env, FIRST_LINE: mark }, stdio: "ignore" });
      const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
      const at = await stamp(mark);
      await ended;
      return at - start;
    };
    const submit = ["job", "create", "--file", "job.yml"];
    // The first run builds the environment; it also has to end before the next, for the compute runs few at a time.
    await execute(process.execPath, [yard, ...submit, "--stream"], { cwd: folder, env: home.env });
    return {
      notes: [
        "seen on such a machine: DVC 420, Metaflow 460, mlflow run --env-manager=local 2300, Dagster 2300, Prefect 7000",
      ],
      variants: {
        ours: async () => {
          const value = await firstLine(process.execPath, [yard, ...submit], folder, home.env);
          await settled(home.env);
          return value;
        },
        "node, then python, by hand": () =>
          firstLine(
            process.execPath,
            ["-e", 'require("child_process").spawnSync("python3", ["train.py"], { stdio: "inherit" })'],
            join(folder, "src"),
            home.env,
          ),
      },
      cleanup: () => home.close(),
    };
  },
};

/** Waits for the script's mark; milliseconds since the epoch. */
async function stamp(file: string): Promise<number> {
  const end = Date.now() + 30_000;
  for (;;) {
    try {
      const text = readFileSync(file, "utf8");
      if (text !== "") return Number(text) * 1000;
    } catch {
      // Not there yet.
    }
    if (Date.now() > end) throw new Error("the script's first line did not run within 30 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Waits until no job is under way, so that rounds do not queue behind each other. */
async function settled(env: NodeJS.ProcessEnv): Promise<void> {
  const base = `${env.TRAINYARD_URL}/api/v1/workspaces/default`;
  const headers = { authorization: `Bearer ${env.TRAINYARD_TOKEN}` };
  for (;;) {
    const page = (await (await fetch(`${base}/jobs?limit=1`, { headers })).json()) as { items: { status: string }[] };
    if (/Completed|Failed|Canceled/.test(page.items[0]?.status ?? "")) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
