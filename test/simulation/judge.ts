import type { ChildOrder } from "../../src/core/coordinator/machine.ts";
import type { CoordRecord } from "../../src/core/coordinator/ports.ts";
import type { JobRecord } from "../../src/core/jobs/record.ts";
import { isFinal } from "../../src/core/jobs/state.ts";
import { type Expected, KINDS, type Outcome } from "./kinds.ts";
import type { Role } from "./records.ts";
import { type CompositeSpec, courseOf, specOf, valuesOf } from "./scenario.ts";
import type { World } from "./world.ts";

/** Watches what happens, and says what must not. */
export class Judge {
  readonly violations: string[] = [];
  /** Jobs that somebody canceled who is not their composite. */
  readonly touched = new Set<string>();
  private readonly world: World;
  private readonly begun = new Set<string>();
  private readonly running = new Map<string, string>();
  private readonly children = new Map<string, string>();
  /** Composites that took their cancel into account while there was something to end. */
  private readonly canceled = new Set<string>();

  constructor(world: World) {
    this.world = world;
  }

  violate(what: string): void {
    this.violations.push(what);
  }

  created({ id, parent, order }: Role): void {
    const key = `${parent ?? ""} ${order.child}`;
    const other = this.children.get(key);
    if (other !== undefined) this.violate(`\`${id}\` and \`${other}\` are the same child`);
    this.children.set(key, id);
  }

  decided(job: string, { state }: CoordRecord, folded: readonly string[]): void {
    const { spec } = this.world.role(job);
    if (spec.kind !== "leaf" && folded.includes("cancel") && !this.world.machineOf(spec.kind).isOver(state)) {
      this.canceled.add(job);
    }
  }

  /** A command begins. */
  began(job: string, attempt: string): void {
    if (this.begun.has(attempt)) this.violate(`attempt \`${attempt}\` ran twice`);
    this.begun.add(attempt);
    for (const [other, of] of this.running) if (of === job) this.violate(`\`${attempt}\` and \`${other}\` run at once`);
    this.running.set(attempt, job);
    const { parent, order } = this.world.role(job);
    if (parent === undefined) return;
    const { spec } = this.world.role(parent);
    if (spec.kind === "leaf") return;
    if (!KINDS[spec.kind].mayRun(spec, order.child, (child) => this.ended(parent, child))) {
      this.violate(`\`${job}\` runs before its inputs exist`);
    }
  }

  /** A command is not there any more. */
  stopped(attempt: string): void {
    this.running.delete(attempt);
  }

  becameFinal(job: JobRecord): void {
    if (job.coordinated !== true) return;
    const below = `${job.name}/`;
    for (const [attempt, of] of this.running) {
      if (of.startsWith(below)) this.violate(`\`${job.name}\` is ${job.status} and \`${attempt}\` still runs`);
    }
    for (const { name, status } of this.world.records.jobs.values()) {
      if (name.startsWith(below) && !isFinal(status)) {
        this.violate(`\`${job.name}\` is ${job.status} and \`${name}\` is ${status}`);
      }
    }
  }

  /** What a composite came to, beside what it should. */
  compare(id: string, isLoose = false): void {
    const { spec } = this.world.role(id);
    const job = this.world.records.jobs.get(id);
    if (spec.kind === "leaf" || job === undefined) return;
    const expected = this.expect(id, spec);
    const isFreed = isLoose || job.cancel !== undefined;
    if (job.status !== expected.status && !(isFreed && job.status === "Canceled")) {
      this.violate(`\`${id}\` is ${job.status} and not ${expected.status}: ${job.statusReason}`);
    }
    if (this.canceled.has(id) && job.status === "Completed") this.violate(`\`${id}\` was canceled, and completed`);
    const maySkip =
      isFreed || (spec.kind === "pipeline" && !spec.plan.continueOnStepFailure && expected.status === "Failed");
    for (const [child, { outcome }] of expected.children) {
      const there = this.world.records.jobs.get(this.world.childId(id, child));
      if (there === undefined) {
        if (outcome.isThere && !maySkip) this.violate(`\`${id}/${child}\` did not run`);
        continue;
      }
      // One that was to end is not tried again, so it may have failed.
      const isCut = there.status === "Canceled" || (there.status === "Failed" && there.cancel !== undefined);
      if (there.status !== outcome.status && !(maySkip && isCut)) {
        this.violate(`\`${id}/${child}\` is ${there.status} and not ${outcome.status}: ${there.statusReason}`);
      }
      this.compare(this.world.childId(id, child), maySkip);
    }
    for (const [key, child] of this.children) {
      const [parent, name = ""] = key.split(" ");
      if (parent === id && !expected.children.has(name)) this.violate(`\`${child}\` should not have run`);
    }
  }

  private ended(parent: string, child: string): Outcome | undefined {
    const id = this.world.childId(parent, child);
    const job = this.world.records.jobs.get(id);
    if (job === undefined || !isFinal(job.status)) return undefined;
    const { spec, order } = this.world.role(id);
    return { status: job.status as Outcome["status"], isThere: true, values: valuesOf(spec, order) };
  }

  private expect(id: string, spec: CompositeSpec): Expected {
    return KINDS[spec.kind].expect(spec, (order) => this.outcome(id, spec, order));
  }

  private outcome(parent: string, composite: CompositeSpec, order: ChildOrder): Outcome {
    const id = this.world.childId(parent, order.child);
    const spec = specOf(composite, order);
    const values = valuesOf(spec, order);
    if (spec.kind !== "leaf") return { status: this.expect(id, spec).status, isThere: true, values };
    if (this.touched.has(id)) return this.ended(parent, order.child) ?? { status: "Canceled", isThere: true, values };
    const { end, fails = 0, retries = 0 } = courseOf(spec, order);
    const isGood = end === "reused" || (end === "ok" && fails <= retries);
    return { status: isGood ? "Completed" : "Failed", isThere: end !== "refused", values };
  }
}
