import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SearchSpace } from "../src/contract/sweeps.ts";
import { suggestPoint, type Tried } from "../src/core/sweeps/bayesian/suggest.ts";
import { drawPoint } from "../src/core/sweeps/draw.ts";
import { type Point, slotsOf } from "../src/core/sweeps/space.ts";
import { execute, root } from "./home.ts";
import { median } from "./measure.ts";

const REQUIREMENTS = ["optuna==5.0.0", "scikit-learn==1.9.1"];
const TRIALS = 50;
const SEEDS = 20;
const PEER = fileURLToPath(new URL("sweeps-peer.py", import.meta.url));

interface Task {
  readonly name: string;
  readonly space: SearchSpace;
  /** How far above the least value it is. */
  regret(point: Point): number;
}

/** Regret after a number of trials, of each seed. */
type Regrets = Readonly<Record<string, readonly number[]>>;

export const rowIds: readonly string[] = ["branin", "hartmann6", "svm-digits"];

/** Bayesian search beside Optuna's default (TPE) and random search: median regret over the seeds. */
export async function table(only: readonly string[] = rowIds): Promise<{ text: string; json: unknown }> {
  const python = join(await install(), "bin", "python");
  const digits = await digitsTable(python);
  const tasks = [branin(), hartmann(), svm(JSON.parse(readFileSync(digits, "utf8")))];
  const peer = JSON.parse(await execute(python, [PEER, "optuna", digits, String(TRIALS), String(SEEDS)])) as {
    version: string;
    regrets: Regrets;
  };
  const rows = tasks
    .filter(({ name }) => only.includes(name))
    .map((task) => rowOf(task, peer.regrets[task.name] ?? []));
  const lines = rows.map(({ name, ours, optuna, random, cpuMs }) =>
    [name.padEnd(12), ...[ours, optuna, random].map(shown), `${cpuMs.toFixed(0)} ms`.padStart(8)].join(" "),
  );
  const text = [
    `median regret after ${TRIALS} trials over ${SEEDS} seeds`,
    `             ours      Optuna ${peer.version}  random     CPU a suggestion, ours`,
    ...lines,
    `target: no worse than Optuna: ${rows.every(({ ours, optuna }) => ours <= optuna) ? "met" : "not met"}`,
  ].join("\n");
  return { text, json: { trials: TRIALS, seeds: SEEDS, optuna: peer.version, rows } };
}

function shown(value: number): string {
  return value.toPrecision(3).padStart(11);
}

function rowOf(task: Task, optuna: readonly number[]) {
  const slots = slotsOf(task.space);
  const before = process.cpuUsage().user;
  const ours = seeds((seed) => {
    const tried: Tried[] = [];
    for (let index = 0; index < TRIALS; index++) {
      const point = suggestPoint(slots, seed, index, tried);
      tried.push({ point, value: task.regret(point) });
    }
    return Math.min(...tried.map(({ value = Number.POSITIVE_INFINITY }) => value));
  });
  const cpuMs = (process.cpuUsage().user - before) / 1000 / TRIALS / SEEDS;
  const random = seeds((seed) => {
    const values = Array.from({ length: TRIALS }, (_, index) =>
      task.regret(drawPoint(slots, { rule: "random", seed }, index)),
    );
    return Math.min(...values);
  });
  const raw = { ours, optuna, random };
  return { name: task.name, ours: median(ours), optuna: median(optuna), random: median(random), cpuMs, raw };
}

function seeds(regret: (seed: number) => number): readonly number[] {
  return Array.from({ length: SEEDS }, (_, seed) => regret(seed));
}

function numbers(point: Point): readonly number[] {
  return point.map((value) => value ?? Number.NaN);
}

function branin(): Task {
  return {
    name: "branin",
    space: {
      x: { type: "uniform", min_value: -5, max_value: 10 },
      y: { type: "uniform", min_value: 0, max_value: 15 },
    },
    regret(point) {
      const [x = 0, y = 0] = numbers(point);
      const bowl = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
      return bowl ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10 - 0.39788735772973816;
    },
  };
}

const HEIGHTS = [1, 1.2, 3, 3.2];
const WIDTHS = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const CENTERS = [
  [1312, 1696, 5569, 124, 8283, 5886],
  [2329, 4135, 8307, 3736, 1004, 9991],
  [2348, 1451, 3522, 2883, 3047, 6650],
  [4047, 8828, 8732, 5743, 1091, 381],
];

function hartmann(): Task {
  return {
    name: "hartmann6",
    space: Object.fromEntries(
      Array.from({ length: 6 }, (_, i) => [`x${i}`, { type: "uniform" as const, min_value: 0, max_value: 1 }]),
    ),
    regret(point) {
      const x = numbers(point);
      const hills = HEIGHTS.map((height, hill) => {
        const away = x.map((value, i) => (WIDTHS[hill]?.[i] ?? 0) * (value - (CENTERS[hill]?.[i] ?? 0) / 1e4) ** 2);
        return height * Math.exp(-away.reduce((sum, part) => sum + part, 0));
      });
      return 3.322368011415515 - hills.reduce((sum, hill) => sum + hill, 0);
    },
  };
}

/** As in the peer: errors at steps of the logarithms of C and gamma, and linearly between. */
function svm(errors: readonly (readonly number[])[]): Task {
  const [C, gamma] = [bounds(-3, 4), bounds(-6, 1)];
  const steps = errors.length - 1;
  const least = Math.min(...errors.flat());
  const at = (i: number, j: number) => errors[i]?.[j] ?? Number.NaN;
  const place = (value: number, { min_value, max_value }: typeof C) =>
    ((Math.log(value) - min_value) / (max_value - min_value)) * steps;
  return {
    name: "svm-digits",
    space: { C, gamma },
    regret(point) {
      const [c = 1, g = 1] = numbers(point);
      const [row, column] = [place(c, C), place(g, gamma)];
      const [i, j] = [Math.min(steps - 1, Math.floor(row)), Math.min(steps - 1, Math.floor(column))];
      const [u, v] = [row - i, column - j];
      const upper = (1 - v) * at(i, j) + v * at(i, j + 1);
      const lower = (1 - v) * at(i + 1, j) + v * at(i + 1, j + 1);
      return (1 - u) * upper + u * lower - least;
    },
  };
}

function bounds(low: number, high: number) {
  return { type: "loguniform" as const, min_value: low * Math.LN10, max_value: high * Math.LN10 };
}

/** Optuna's virtual environment below node_modules/.cache, made on first use. */
async function install(): Promise<string> {
  const venv = join(root, "node_modules", ".cache", "optuna-5.0.0");
  const done = join(venv, "installed");
  if (existsSync(done)) return venv;
  process.stderr.write("installing Optuna …\n");
  mkdirSync(dirname(venv), { recursive: true });
  rmSync(venv, { recursive: true, force: true });
  await execute("python3", ["-m", "venv", venv]);
  await execute(join(venv, "bin", "python"), ["-m", "pip", "install", "--quiet", ...REQUIREMENTS]);
  writeFileSync(done, "");
  return venv;
}

/** Trains 841 SVMs on first use. */
async function digitsTable(python: string): Promise<string> {
  const file = join(root, "node_modules", ".cache", "svm-digits.json");
  if (existsSync(file)) return file;
  process.stderr.write("training SVMs on digits …\n");
  writeFileSync(`${file}.part`, await execute(python, [PEER, "digits"]));
  renameSync(`${file}.part`, file);
  return file;
}
