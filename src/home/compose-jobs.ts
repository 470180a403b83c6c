import { availableParallelism } from "node:os";
import { makeComputeRoutes } from "../api/computes.ts";
import { makeJobRoutes } from "../api/jobs.ts";
import { makeRunnerRoutes } from "../api/runner.ts";
import type { BatchEndpointDeps } from "../core/batch-endpoints/ports.ts";
import { fullSpec } from "../core/coordinator/documents.ts";
import type { Files } from "../core/files/ports.ts";
import { planJob } from "../core/jobs/plan-job.ts";
import type { Environments, OutputRegistry } from "../core/jobs/ports.ts";
import type { RunnerProgram } from "../core/jobs/start-attempt.ts";
import { submitJob } from "../core/jobs/submit-job.ts";
import type { Builder } from "../core/ports/builder.ts";
import type { Credentials } from "../core/ports/credentials.ts";
import type { Launcher } from "../core/ports/launcher.ts";
import type { ScheduledJobs } from "../core/schedules/put-schedule.ts";
import { ensureExperiment } from "../store/experiments.ts";
import { composeComposites } from "./compose-composites.ts";
import { makeHandOvers } from "./hand-overs.ts";
import type { MakeMover } from "./job-loop.ts";
import type { Ground, Part } from "./part.ts";
import { makeRunBook } from "./run-book.ts";
import type { Stores } from "./stores.ts";
import { type LocalWatch, makeWatch } from "./watch.ts";
import { listWorkspaceNames } from "./workspace-names.ts";

/** How a home starts runners. */
export interface Launchers {
  readonly all: readonly Launcher[];
  /** Jobs at once on the compute that every home has. @default half of this machine's processors */
  readonly slots?: number;
  /** Where started machines get the runner; absent: they are given it. */
  readonly runnerProgram?: RunnerProgram;
  /** How long the note of a hand-over may wait for the runner's first word; absent: not at all. */
  readonly noteWithinMs?: number;
  /** Rights that commands are lent; absent: none. */
  readonly credentials?: Credentials;
  /** Called when a runner ends, sooner than the next round would see it. */
  onEnded(listener: () => void): void;
  /** Jobs go on. */
  close(): void;
}

/** Jobs from submission to their end, and the computes they run on. */
export function composeJobs(
  ground: Ground,
  stores: Stores,
  others: {
    readonly files: Files;
    readonly environments: Environments;
    readonly outputs: OutputRegistry;
    readonly launchers: Launchers;
    readonly builder: Builder;
    readonly makeMover: MakeMover;
    /** What this process did to composites, it need not write down: no other one moves them on. @default false */
    readonly isAlone?: boolean;
    /** @default what this process changes wakes who waits in it */
    readonly watch?: LocalWatch;
  },
): Part & { readonly scheduledJobs: ScheduledJobs; readonly submit: BatchEndpointDeps["submit"] } {
  const { log } = ground;
  const { files, environments, outputs, launchers, builder, makeMover, watch = makeWatch() } = others;
  const launches = launchers.all.flatMap((launcher) => launcher.types);
  const { noteWithinMs } = launchers;
  const handOvers = noteWithinMs === undefined ? undefined : makeHandOvers(noteWithinMs, log);
  const base = {
    ...ground,
    ...stores,
    ...(handOvers === undefined ? {} : { handOvers }),
    ...composeComposites(ground, { ...stores, files, environments, launches }, { remembers: others.isAlone === true }),
    files,
    outputs,
    watch,
    launchers: launchers.all,
    ...(launchers.runnerProgram === undefined ? {} : { runnerProgram: launchers.runnerProgram }),
    ...(launchers.credentials === undefined ? {} : { credentials: launchers.credentials }),
    builder,
    launches,
    runs: makeRunBook(stores.runs),
    experiments: {
      ensure: (workspace: string, name: string, actor: string) => ensureExperiment(ground, workspace, name, actor),
    },
    environments,
    defaultSlots: launchers.slots ?? Math.max(1, Math.floor(availableParallelism() / 2)),
    launching: new Set<string>(),
  };
  const mover = makeMover({
    deps: (tell) => ({ ...base, ...tell }),
    workspaces: () => listWorkspaceNames(ground.table),
    computes: async () => {
      const workspaces = await listWorkspaceNames(ground.table);
      const lists = await Promise.all(workspaces.map((workspace) => stores.computes.list(workspace)));
      return lists.flat().map(({ workspace, name }) => ({ workspace, compute: name }));
    },
    log,
  });
  launchers.onEnded(mover.look);
  const deps = { ...base, nudge: mover.nudge, compose: mover.compose };
  return {
    scheduledJobs: {
      spec: async (workspace, name) => {
        const job = await stores.jobs.get(workspace, name);
        return job === undefined ? undefined : fullSpec(deps, job);
      },
      problems: async (workspace, spec) => (await planJob(deps, workspace, "job", spec)).problems,
      submit: (input) => submitJob(deps, input),
    },
    submit: (input) => submitJob(deps, input),
    routes: [...makeJobRoutes(deps), ...makeRunnerRoutes(deps), ...makeComputeRoutes(deps)],
    start: () => mover.start(),
    async close() {
      watch.close();
      handOvers?.close();
      await mover.close();
      launchers.close();
    },
  };
}
