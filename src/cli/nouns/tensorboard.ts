import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError, ERRORS, isAppError } from "../../contract/errors.ts";
import { command, flag, missing, type Noun } from "../command.ts";
import type { Ctx } from "../context.ts";
import { nothing, one } from "../output/shown.ts";

const EVERY_MS = 5000;
const DEFAULT_PORT = 6006;
const AT_ONCE = 4;

export const tensorboard: Noun = {
  brief: "See runs in TensorBoard",
  only: command({
    brief:
      "Start TensorBoard over runs: over their event files where they have some, else over files made of their metrics; follows runs that go on; Ctrl-C ends it",
    flags: {
      port: flag.number("Port on 127.0.0.1; default 6006, or a free one", { short: "p", placeholder: "port" }),
      logdir: flag.text("Folder for the event files; default: one in the user's cache", { placeholder: "dir" }),
      logdirOnly: flag.is("Brings the event files, tells the folder and ends"),
      tensorboard: flag.text("The TensorBoard program; default: the one of this machine's Python, else one is made", {
        placeholder: "path",
      }),
    },
    args: { brief: "Ids or names of runs or jobs, names of experiments", placeholder: "run|experiment", many: true },
    run: async (ctx, given, words) => {
      if (words.length === 0) throw missing("what to see", "`yard tensorboard my-run`");
      const cacheDir = await cacheFor(ctx);
      const logdir =
        given.logdir === undefined ? join(cacheDir, await nameOf(ctx, words)) : resolve(ctx.io.cwd, given.logdir);
      const { sync, count } = await follower(ctx, words, logdir);
      await sync();
      if (given.logdirOnly)
        return one({ logdir, runs: count() }, (it) => [
          ["logdir", it.logdir],
          ["runs", it.runs],
        ]);
      const { findTensorboard, startTensorboard } = await import("../tensorboard/program.ts");
      const { endGroup, freePort } = await import("../programs.ts");
      const program = await findTensorboard(ctx, given.tensorboard, cacheDir);
      const port = await freePort(given.port ?? DEFAULT_PORT);
      if (given.port !== undefined && given.port !== 0 && port !== given.port)
        throw new AppError("Conflict", `port ${given.port} of this machine is taken`, {
          hint: "`--port 0` takes a free one",
        });
      const running = await startTensorboard(ctx, program, logdir, port);
      try {
        ctx.io.stdout.write(`TensorBoard is ready at http://127.0.0.1:${port}/ (event files in ${logdir})\n`);
        await Promise.race([follow(ctx, sync), running.ended]);
      } finally {
        await endGroup(running.child);
      }
      return nothing();
    },
  }),
};

async function cacheFor(ctx: Ctx): Promise<string> {
  const { XDG_CACHE_HOME, HOME } = ctx.io.env;
  const user = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  if (!user) throw new AppError("InvalidArgument", "there is no home folder", { hint: "set HOME or XDG_CACHE_HOME" });
  return join(user, "trainyard", "tensorboard");
}

/** One folder for what is asked for, whichever time: files that are there need not come again. */
async function nameOf(ctx: Ctx, words: readonly string[]): Promise<string> {
  const { address, workspace } = await ctx.link();
  const what = JSON.stringify([address.url, workspace, [...words].sort()]);
  return `logs-${createHash("sha256").update(what).digest("hex").slice(0, 12)}`;
}

async function follower(ctx: Ctx, words: readonly string[], logdir: string) {
  const [{ client, workspace }, { makeMlflow }, { runsOf, targetsOf }, { makeMirror }, { eachOf }] = await Promise.all([
    ctx.link(),
    import("../../client/import-mlflow/rest.ts"),
    import("../tensorboard/runs.ts"),
    import("../tensorboard/mirror.ts"),
    import("../../client/each-of.ts"),
  ]);
  const mlflow = makeMlflow(client, `/w/${encodeURIComponent(workspace)}`);
  const targets = (await Promise.all(words.map((word) => targetsOf(mlflow, word)))).flat();
  await mkdir(logdir, { recursive: true });
  const mirror = makeMirror({ client, mlflow, workspace, logdir });
  let seen = 0;
  return {
    count: () => seen,
    async sync() {
      const progress = ctx.progress("bringing event files");
      let done = 0;
      try {
        const runs = await runsOf(mlflow, targets);
        seen = runs.length;
        await eachOf(runs, AT_ONCE, async (run) => {
          await mirror.sync(run);
          progress.update(`${++done} of ${runs.length} runs`);
        });
      } finally {
        progress.end();
      }
    },
  };
}

/** Until Ctrl-C. A home that is away for a while is asked again. */
async function follow(ctx: Ctx, sync: () => Promise<void>): Promise<void> {
  const { pause } = await import("../../client/retry.ts");
  for (;;) {
    try {
      await pause(EVERY_MS, ctx.io.signal);
      await sync();
    } catch (error) {
      if (ctx.io.signal.aborted) return;
      if (!isAppError(error) || !ERRORS[error.code].retry) throw error;
    }
  }
}
