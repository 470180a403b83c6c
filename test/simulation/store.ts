import { endRow, ownRow } from "../../src/core/coordinator/ended.ts";
import type { CompositeEvent } from "../../src/core/coordinator/machine.ts";
import type { CoordinationStore, CoordRecord, InboxRow } from "../../src/core/coordinator/ports.ts";
import type { JobStore } from "../../src/core/jobs/ports.ts";
import type { JobRecord } from "../../src/core/jobs/record.ts";
import { isFinal } from "../../src/core/jobs/state.ts";
import type { Judge } from "./judge.ts";
import type { Plant } from "./plants.ts";

/** What is on record. Every change is one transaction. */
export class Records {
  readonly jobs = new Map<string, JobRecord>();
  readonly coords = new Map<string, CoordRecord>();
  readonly inboxes = new Map<string, Map<string, CompositeEvent>>();
  private readonly onFinal: (job: JobRecord) => void;
  private readonly plant: Plant | undefined;

  constructor(onFinal: (job: JobRecord) => void, plant: Plant | undefined) {
    this.onFinal = onFinal;
    this.plant = plant;
  }

  inbox(job: string): Map<string, CompositeEvent> {
    const inbox = this.inboxes.get(job) ?? new Map<string, CompositeEvent>();
    this.inboxes.set(job, inbox);
    return inbox;
  }

  tell(job: string, { cause, event }: InboxRow): void {
    const inbox = this.inbox(job);
    if (!inbox.has(cause)) inbox.set(cause, event);
  }

  put(before: JobRecord | undefined, after: JobRecord): void {
    this.jobs.set(after.name, after);
    const own = ownRow(before, after);
    if (own !== undefined) this.tell(after.name, own);
    if (!isFinal(after.status) || (before !== undefined && isFinal(before.status))) return;
    if (this.plant !== "end-told-later") this.tellEnd(after);
    this.onFinal(after);
  }

  tellEnd(job: JobRecord): void {
    const end = endRow(job);
    if (end !== undefined && job.composite !== undefined) this.tell(job.composite.parent, end);
  }

  open(isComposite: boolean): JobRecord[] {
    return [...this.jobs.values()].filter((job) => !isFinal(job.status) && (job.coordinated === true) === isComposite);
  }
}

interface Ground {
  readonly records: Records;
  readonly plant: Plant | undefined;
  readonly judge: Judge;
}

/** As one server sees it: `gate` is where it may die. */
export function openJobs({ records, plant }: Ground, gate: () => Promise<void>): JobStore {
  const { jobs } = records;
  return {
    async get(_workspace, name) {
      await gate();
      return jobs.get(name);
    },
    async save(before, after) {
      await gate();
      if (jobs.get(before.name)?.rev !== before.rev) return false;
      records.put(before, after);
      if (plant === "end-told-later" && isFinal(after.status)) {
        await gate();
        records.tellEnd(after);
      }
      return true;
    },
    async queue() {
      await gate();
      return records.open(false).map((job) => ({ job: job.name, seq: job.queueSeq, holds: job.attempts.length > 0 }));
    },
    create: unused,
    list: unused,
    records: unused,
    countChildren: unused,
    openComposites: unused,
    leftovers: unused,
    cleaned: unused,
  };
}

function unused(): never {
  throw new Error("the simulation does without it");
}

export function openCoordination({ records, plant, judge }: Ground, gate: () => Promise<void>): CoordinationStore {
  const { coords } = records;
  return {
    async read(_workspace, job) {
      await gate();
      return coords.get(job);
    },
    async inbox(_workspace, job, limit) {
      await gate();
      return [...records.inbox(job)].slice(0, limit).map(([cause, event]) => ({ cause, event }));
    },
    async tell(_workspace, job, row) {
      await gate();
      records.tell(job, row);
    },
    async decide({ job }, before, after, folded) {
      await gate();
      if (plant !== "no-lock" && (coords.get(job)?.rev ?? 0) !== before) return false;
      coords.set(job, plant === "effects-forgotten" ? { ...after, pending: [] } : after);
      judge.decided(job, after, folded);
      for (const cause of folded) records.inbox(job).delete(cause);
      return true;
    },
    async performed(_workspace, job, rev) {
      await gate();
      const record = coords.get(job);
      if (record?.rev === rev) coords.set(job, { ...record, pending: [] });
    },
  };
}
