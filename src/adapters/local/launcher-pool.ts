import { type ChildProcess, spawn } from "node:child_process";
import { AppError } from "../../contract/errors.ts";
import { processStartTime } from "./process-table.ts";

/** A process of this machine, told from a later one with the same id. */
export interface Runner {
  readonly pid: number;
  readonly startTime: string | undefined;
}

/** A started runner. It does one request after the other, and ends by itself when this process has gone: its stdin ends then. */
interface Member extends Runner {
  readonly child: ChildProcess;
  /** What it works at. */
  job: string | undefined;
  /** Takes nothing more. */
  retired: boolean;
  alive: boolean;
  idleSince: number;
  /** The last it said on stderr. */
  said: string;
}

export interface RunnerPool {
  /**
   * Has a runner do a request, which is known as `job` from now on. `note` is called before the runner can see it, and again should another runner take it.
   * Rejects where no process can be started.
   */
  give(job: string, request: string, note: (runner: Runner) => void): Promise<void>;
  /** Who works at it; that runner takes nothing more after it. */
  retire(job: string): Runner | undefined;
  /** True for a runner of this pool that works at something else. */
  isElsewhere(pid: number, job: string): boolean;
  /** Ends those that do nothing, and lets the others end after what they do. */
  close(): void;
}

export interface PoolOptions {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  /** How many may wait for work, ready at once; 0: a runner ends with its request. */
  readonly spare: number;
  /** A runner ended in the middle of a job; with its last words. */
  readonly onLost: (job: string, said: string) => void;
}

/** Those that wait beyond the first are let go after so long; the first stays longer, since Node's start is most of a short job's time. */
const SPARE_MS = 30_000;
const FIRST_MS = 10 * 60_000;
const SETTLE_MS = 50;
/** The line by which a runner says that it is free. */
const DONE = "done";
const SAID_CHARS = 1000;

/** Runners that are kept for the next job, each with one at a time. */
export function openRunnerPool(options: PoolOptions): RunnerPool {
  const members = new Set<Member>();
  let closed = false;
  let sweeping: NodeJS.Timeout | undefined;

  const isFree = (member: Member): boolean => member.alive && !member.retired && member.job === undefined;

  function start(): Member {
    const child = spawn(process.execPath, [options.program], {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: options.env,
      cwd: "/",
    });
    const { pid = 0 } = child;
    const startTime = pid === 0 ? undefined : processStartTime(pid);
    const member: Member = {
      child,
      pid,
      startTime,
      job: undefined,
      retired: false,
      alive: pid !== 0,
      idleSince: 0,
      said: "",
    };
    child.once("exit", () => lost(member));
    child.once("error", () => lost(member));
    child.stdin?.on("error", () => {});
    child.stdout?.setEncoding("utf8").on("data", (text: string) => heard(member, text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      member.said = (member.said + text).slice(-SAID_CHARS);
    });
    // Runners must not keep this process alive.
    child.unref();
    for (const stream of child.stdio) unref(stream);
    if (pid === 0) {
      throw new AppError("Unavailable", "this machine can't start another process now", {
        hint: "end some programs; the job is tried again by itself",
      });
    }
    members.add(member);
    return member;
  }

  function lost(member: Member): void {
    member.alive = false;
    members.delete(member);
    if (member.job !== undefined) options.onLost(member.job, member.said.trim());
  }

  function heard(member: Member, text: string): void {
    if (!text.split("\n").includes(DONE)) return;
    member.job = undefined;
    member.idleSince = performance.now();
    const free = [...members].filter(isFree);
    if (member.retired || closed || free.length > Math.max(options.spare, 1)) drop(member);
    else sweepLater();
  }

  function drop(member: Member): void {
    member.retired = true;
    member.child.stdin?.end();
  }

  function sweepLater(): void {
    if (sweeping !== undefined) return;
    sweeping = setTimeout(() => {
      sweeping = undefined;
      // Longest idle last: the first of them is the one to keep.
      const free = [...members].filter(isFree).sort((a, b) => b.idleSince - a.idleSince);
      const now = performance.now();
      for (const [i, member] of free.entries()) {
        if (now - member.idleSince >= (i === 0 ? FIRST_MS : SPARE_MS)) drop(member);
      }
      if ([...members].some(isFree)) sweepLater();
    }, SPARE_MS / 3);
    sweeping.unref();
  }

  function keepOneReady(): void {
    if (closed || options.spare === 0 || [...members].some(isFree)) return;
    try {
      start().idleSince = performance.now();
      sweepLater();
    } catch {
      // The next job will say so.
    }
  }

  return {
    async give(job, request, note) {
      const free = [...members].filter(isFree).sort((a, b) => b.idleSince - a.idleSince);
      for (const member of [...free, undefined]) {
        const runner = member ?? start();
        runner.job = job;
        note(runner);
        if (options.spare === 0) runner.retired = true;
        if (await send(runner, request)) break;
        runner.job = undefined;
        if (member === undefined) throw new AppError("Unavailable", "a runner that was just started has ended");
      }
      setTimeout(keepOneReady, SETTLE_MS).unref();
    },
    retire(job) {
      const member = [...members].find((one) => one.job === job);
      if (member !== undefined) drop(member);
      return member;
    },
    isElsewhere: (pid, job) => [...members].some((member) => member.pid === pid && member.job !== job),
    close() {
      closed = true;
      clearTimeout(sweeping);
      for (const member of members) drop(member);
    },
  };
}

/** False when the process is not there any more. */
function send({ child, retired, alive }: Member, request: string): Promise<boolean> {
  return new Promise((resolve) => {
    if (!alive || child.stdin === null) {
      resolve(false);
      return;
    }
    child.stdin.write(`${request}\n`, (error) => resolve(error == null));
    if (retired) child.stdin.end();
  });
}

function unref(stream: unknown): void {
  if (typeof stream === "object" && stream !== null && "unref" in stream && typeof stream.unref === "function")
    stream.unref();
}
