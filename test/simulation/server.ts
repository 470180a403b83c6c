import type { RunnerOrders, RunnerReport } from "../../src/contract/runner.ts";
import { advance, reconcileComposite } from "../../src/core/coordinator/advance.ts";
import { endRow } from "../../src/core/coordinator/ended.ts";
import type { Effect } from "../../src/core/coordinator/machine.ts";
import type { Composite, Hands } from "../../src/core/coordinator/ports.ts";
import { changeJob } from "../../src/core/jobs/change-job.ts";
import { type DispatchDeps, dispatchJobs } from "../../src/core/jobs/dispatch-jobs.ts";
import { reconcileJobs } from "../../src/core/jobs/reconcile-jobs.ts";
import { reportRun } from "../../src/core/jobs/report-run.ts";
import { isFinal, type JobEvent, step } from "../../src/core/jobs/state.ts";
import { plannedFor } from "./plant-machines.ts";
import { COMPUTE, type Role, recordOf, WORKSPACE } from "./records.ts";
import { courseOf, specOf, valuesOf } from "./scenario.ts";
import type { Process } from "./scheduler.ts";
import { openCoordination, openJobs } from "./store.ts";
import { metricOf } from "./sweeps.ts";
import type { World } from "./world.ts";

/** What is between the messages and the records, with the code that the homes run. What it knows by itself dies with it. */
export class Server implements Process {
  alive = true;
  private readonly world: World;
  private readonly gate: () => Promise<void>;
  private readonly deps: DispatchDeps;

  constructor(world: World) {
    this.world = world;
    this.gate = () => world.scheduler.gate(this);
    this.deps = this.makeDeps();
  }

  report(job: string, report: RunnerReport): Promise<RunnerOrders> {
    return reportRun(this.deps, { workspace: WORKSPACE, run: job, report });
  }

  async cancel(job: string, reason: string): Promise<void> {
    const after = await this.change(job, {
      kind: "cancel",
      by: "user:someone",
      reason,
      atMs: this.world.scheduler.nowMs,
    });
    if (after.coordinated === true) this.deps.compose(WORKSPACE, job);
    else if (!isFinal(after.status)) this.deps.nudge(WORKSPACE, COMPUTE, job);
  }

  async compose(job: string): Promise<void> {
    await advance(this.coordinator(), WORKSPACE, job);
  }

  async dispatch(): Promise<void> {
    await this.world.takeTurn(this, async () => {
      await dispatchJobs(this.deps, WORKSPACE, COMPUTE);
    });
  }

  /** Compares what is on record with what is so. */
  async round(): Promise<void> {
    await this.world.takeTurn(this, async () => {
      await reconcileJobs(this.deps, WORKSPACE, COMPUTE);
      await dispatchJobs(this.deps, WORKSPACE, COMPUTE);
    });
    for (const { name } of this.world.records.open(true)) await reconcileComposite(this.coordinator(), WORKSPACE, name);
  }

  private async change(job: string, event: JobEvent) {
    const { job: after } = await changeJob(
      this.deps,
      WORKSPACE,
      job,
      (before) => step(before, event),
      () => undefined,
    );
    return after;
  }

  private coordinator() {
    const { world } = this;
    return {
      coordination: openCoordination(world, this.gate),
      open: async (_workspace: string, job: string): Promise<Composite | undefined> => {
        const { spec } = world.role(job);
        if (spec.kind === "leaf") return undefined;
        return {
          workspace: WORKSPACE,
          job,
          machine: world.machineOf(spec.kind),
          plan: spec.kind === "pipeline" ? plannedFor(spec.plan, world.plant) : spec.plan,
        };
      },
      hands: this.hands(),
    };
  }

  private hands(): Hands {
    const { world } = this;
    return {
      perform: (composite, effect) => this.perform(composite, effect),
      enrich: async ({ job }, event) => {
        if (event.kind !== "ended" || world.role(job).spec.kind !== "sweep") return event;
        await this.gate();
        const { spec, order } = world.role(world.childId(job, event.child));
        const metric = metricOf(valuesOf(spec, order));
        return metric === undefined ? event : { ...event, metric };
      },
      look: async (composite, order) => {
        await this.gate();
        const job = world.records.jobs.get(world.childId(composite.job, order.child));
        if (job === undefined) return "missing";
        if (world.plant === "end-told-later") return "under way";
        const row = endRow(job);
        return row?.event.kind === "ended" ? row.event : "under way";
      },
    };
  }

  private async perform(composite: Composite, effect: Effect): Promise<void> {
    const { world } = this;
    switch (effect.kind) {
      case "submit":
        for (const order of effect.children) {
          const { spec } = world.role(composite.job);
          if (spec.kind === "leaf") throw new Error("a leaf has no children");
          await this.submit({
            id: world.childId(composite.job, order.child),
            spec: specOf(spec, order),
            order,
            parent: composite.job,
          });
        }
        break;
      case "cancel": {
        const id = world.childId(composite.job, effect.child);
        // What was refused is not there.
        if (world.records.jobs.has(id)) await this.cancel(id, effect.reason);
        break;
      }
      case "finish": {
        const { status, reason } = effect;
        const atMs = world.scheduler.nowMs;
        await this.change(composite.job, {
          kind: "finished",
          status,
          ...(reason === undefined ? {} : { reason }),
          atMs,
        });
        break;
      }
      case "look":
        break;
    }
  }

  async submit(role: Role): Promise<void> {
    const { world } = this;
    const { spec, order, parent } = role;
    await this.gate();
    if (spec.kind === "leaf" && parent !== undefined && courseOf(spec, order).end === "refused") {
      const { child } = order;
      const atMs = world.scheduler.nowMs;
      world.records.tell(parent, { cause: `refused#${child}`, event: { kind: "refused", child, reason: "no", atMs } });
      return;
    }
    const known = world.records.jobs.get(role.id);
    const isAgain = known !== undefined && parent !== undefined && world.plant === "submit-again";
    const id = isAgain ? `${role.id}~${world.nextTurn()}` : role.id;
    if (known === undefined || isAgain) {
      world.create({ ...role, id }, recordOf({ ...role, id }, world.nextTurn(), world.scheduler.nowMs));
    }
    if (spec.kind === "leaf") this.deps.nudge(WORKSPACE, COMPUTE);
    else this.deps.compose(WORKSPACE, id);
  }

  private makeDeps(): DispatchDeps {
    const { world, gate } = this;
    const send = (topic: "dispatch" | "compose", job: string): void => {
      void gate().then(() => world.send({ topic, job, received: 0 }));
    };
    const nothing = async () => undefined;
    const deps = {
      jobs: openJobs(world, gate),
      watch: { touch: () => undefined },
      nudge: () => send("dispatch", ""),
      compose: (_workspace: string, job: string) => send("compose", job),
      computes: { get: async () => world.compute },
      defaultSlots: world.compute.spec.slots,
      launchers: [world.machines.launcher(gate)],
      signer: { sign: async () => "token" },
      clock: { now: () => world.scheduler.nowMs },
      address: () => "http://127.0.0.1",
      launching: new Set<string>(),
      logs: { finish: nothing },
      outputs: { register: nothing },
    };
    // Only what the use cases above call is there.
    return deps as unknown as DispatchDeps;
  }
}
