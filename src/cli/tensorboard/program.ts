import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pause } from "../../client/retry.ts";
import { AppError } from "../../contract/errors.ts";
import type { Ctx } from "../context.ts";
import { runs } from "../programs.ts";

/** A program and the arguments before TensorBoard's own. */
export type Program = readonly [string, ...string[]];

const READY_MS = 120_000;
const WORDS_KEPT = 4000;

/** The TensorBoard of the user's own Python, else one in an environment of ours, made at its first use. */
export async function findTensorboard(ctx: Ctx, given: string | undefined, cacheDir: string): Promise<Program> {
  const candidates: readonly Program[] =
    given === undefined ? [["tensorboard"], ["python3", "-m", "tensorboard.main"]] : [[given]];
  for (const [program, ...args] of candidates)
    if ((await runs(program, [...args, "--version"], { env: environment(ctx) })).ok) return [program, ...args];
  if (given !== undefined)
    throw new AppError("NotFound", `\`${given}\` is not a TensorBoard that can be started`, {
      hint: "`pip install tensorboard`, or leave `--tensorboard` out: one is made then",
    });
  return made(ctx, join(cacheDir, "environment"));
}

function environment(ctx: Ctx): NodeJS.ProcessEnv {
  return { ...process.env, ...ctx.io.env };
}

async function made(ctx: Ctx, place: string): Promise<Program> {
  const python = join(place, "bin/python");
  const ready = join(place, "ready");
  if (existsSync(ready)) return [python, "-m", "tensorboard.main"];
  ctx.note(`this machine has no TensorBoard; making an environment with one in ${place} (once) …`);
  await rm(place, { recursive: true, force: true });
  await mkdir(dirname(place), { recursive: true });
  const options = { env: environment(ctx), signal: ctx.io.signal };
  const hasUv = (await runs("uv", ["--version"], options)).ok;
  const steps: readonly Program[] = hasUv
    ? [
        ["uv", "venv", "--quiet", place],
        ["uv", "pip", "install", "--quiet", "--python", python, "tensorboard"],
      ]
    : [
        ["python3", "-m", "venv", place],
        [python, "-m", "pip", "install", "--quiet", "tensorboard"],
      ];
  for (const [program, ...args] of steps) {
    const { ok, words } = await runs(program, args, options);
    ctx.io.signal.throwIfAborted();
    if (!ok)
      throw new AppError("EnvironmentBuildFailed", "an environment with TensorBoard could not be made", {
        answer: words.slice(-WORDS_KEPT),
        hint: "`pip install tensorboard`, or see the logs' folder with `--logdir-only`",
      });
  }
  await writeFile(ready, "");
  return [python, "-m", "tensorboard.main"];
}

export interface Running {
  readonly child: ChildProcess;
  /** Rejects when it ends by itself. */
  readonly ended: Promise<never>;
}

/** Resolves when it answers at its port. */
export async function startTensorboard(
  ctx: Ctx,
  [program, ...first]: Program,
  logdir: string,
  port: number,
): Promise<Running> {
  const args = ["--logdir", logdir, "--host", "127.0.0.1", "--port", String(port), "--reload_interval", "5"];
  const child = spawn(program, [...first, ...args], {
    env: environment(ctx),
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C is ours to hand on; its data server ends with it only as a group.
    detached: true,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-WORDS_KEPT);
    });
  const ended = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new AppError("Unavailable", `TensorBoard ended with ${code ?? signal}`, { answer: said.trim() })),
    );
  });
  ended.catch(() => undefined);
  const until = performance.now() + READY_MS;
  const answers = async (): Promise<void> => {
    for (;;) {
      const found = await fetch(`http://127.0.0.1:${port}/`, { signal: ctx.io.signal }).catch(() => undefined);
      await found?.body?.cancel();
      if (found?.ok && child.exitCode === null) return;
      if (performance.now() > until)
        throw new AppError("Unavailable", "TensorBoard did not start in time", { answer: said.trim() });
      await pause(200, ctx.io.signal);
    }
  };
  await Promise.race([answers(), ended]);
  return { child, ended };
}
