import { AppError } from "../../src/contract/errors.ts";
import type { RunnerOrders, RunnerReport } from "../../src/contract/runner.ts";
import type { JobRecord } from "../../src/core/jobs/record.ts";
import { currentAttempt } from "../../src/core/jobs/record.ts";
import { isFinal } from "../../src/core/jobs/state.ts";
import type { Launcher, LaunchState } from "../../src/core/ports/launcher.ts";
import type { Plant } from "./plants.ts";
import type { Random } from "./random.ts";
import type { Course } from "./scenario.ts";
import type { Scheduler } from "./scheduler.ts";

const HEARTBEAT_MS = 1000;

export interface RunnerWorld {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly plant: Plant | undefined;
  readonly lost: number;
  readonly jobs: ReadonlyMap<string, JobRecord>;
  courseOf(job: string): Course;
  began(job: string, attempt: string): void;
  ended(job: string, attempt: string): void;
  /** Told to a server until it answers. */
  report(job: string, report: RunnerReport, answered: (orders: RunnerOrders) => void): void;
}

/** The machines: they outlive every server. */
export class Machines {
  private readonly runners = new Map<string, Runner>();
  private readonly world: RunnerWorld;

  constructor(world: RunnerWorld) {
    this.world = world;
  }

  /** As one server reaches them. */
  launcher(gate: () => Promise<void>): Launcher {
    const { world, runners } = this;
    return {
      types: ["local"],
      async launch({ attemptId, runId }) {
        await gate();
        if (world.random.chance(world.lost / 4)) throw new AppError("Unavailable", "no machine now");
        if (!runners.has(attemptId) || world.plant === "launch-again") {
          runners.set(attemptId, new Runner(world, runId, attemptId));
        }
        return { handle: attemptId };
      },
      async inspect(handle) {
        await gate();
        return runners.get(handle)?.state ?? { state: "gone", reason: "nobody knows it" };
      },
      async cancel(handle) {
        await gate();
        runners.get(handle)?.kill();
      },
      cleanup: () => gate(),
    };
  }
}

class Runner {
  state: LaunchState = { state: "starting" };
  private isRunning = false;
  private isEnding = false;
  private readonly world: RunnerWorld;
  private readonly job: string;
  private readonly attempt: string;
  private readonly course: Course;

  constructor(world: RunnerWorld, job: string, attempt: string) {
    this.world = world;
    this.job = job;
    this.attempt = attempt;
    this.course = world.courseOf(job);
    world.scheduler.after(world.random.int(1, 50), () => this.begin());
  }

  kill(): void {
    if (this.state.state === "exited" || this.state.state === "gone") return;
    this.stopCommand();
    this.isEnding = true;
    this.state = { state: "exited", signal: "SIGTERM" };
  }

  private begin(): void {
    const { world } = this;
    if (this.state.state !== "starting" || this.isEnding) return;
    this.state = { state: "running" };
    this.isRunning = true;
    world.began(this.job, this.attempt);
    world.report(this.job, this.word("Running"), () => undefined);
    world.scheduler.after(this.course.ms, () => this.commandEnded());
    this.beat();
  }

  /** Learns of a cancel, and that another attempt has taken over. */
  private beat(): void {
    const { world } = this;
    world.scheduler.after(HEARTBEAT_MS, () => {
      if (!this.isRunning) return;
      const job = world.jobs.get(this.job);
      if (job === undefined || isFinal(job.status) || currentAttempt(job)?.id !== this.attempt) this.kill();
      else if (job.cancel !== undefined && this.course.deaf !== true) this.finish("Canceled", job.cancel.reason);
      else this.beat();
    });
  }

  private commandEnded(): void {
    if (!this.isRunning || this.isEnding) return;
    const { lost, fails = 0, end } = this.course;
    const number = Number(this.attempt.slice(this.attempt.lastIndexOf(".") + 1));
    if (number <= lost || end === "dies") {
      this.stopCommand();
      const isMachine = number <= lost;
      this.state = { state: "gone", reason: "it is not there", ...(isMachine ? { interrupted: true as const } : {}) };
    } else if (end === "fail" || number <= lost + fails) this.finish("Failed", "exit code 1");
    else this.finish("Completed", undefined);
  }

  private finish(status: "Completed" | "Failed" | "Canceled", reason: string | undefined): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.stopCommand();
    const last = this.word(status, reason);
    // Its last word is with the machine too, should no server ever answer.
    this.state = this.world.random.chance(0.1) ? { state: "exited", report: last } : this.state;
    this.world.report(this.job, last, () => {
      this.state = { state: "exited", exitCode: 0, report: last };
    });
  }

  private stopCommand(): void {
    if (this.isRunning) this.world.ended(this.job, this.attempt);
    this.isRunning = false;
  }

  private word(status: RunnerReport["status"], reason?: string): RunnerReport {
    const at = new Date(this.world.scheduler.nowMs).toISOString();
    return { attempt: this.attempt, status, at, ...(reason === undefined ? {} : { reason }) };
  }
}
