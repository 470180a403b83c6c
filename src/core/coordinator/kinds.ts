import { AppError } from "../../contract/errors.ts";
import type { CreateJob, JobSpec } from "../../contract/jobs.ts";
import type { PreparedCommand } from "../jobs/plan-command-job.ts";
import type { Findings } from "../jobs/problems.ts";
import type { JobRecord, Plan, PlannedOutput } from "../jobs/record.ts";
import type { CompositeDocument } from "./document.ts";
import type { ChildOrder, CompositeEvent, Machine } from "./machine.ts";
import type { ReuseWish } from "./reuse/look-up.ts";

/** A composite job with all there is to know of it. */
export interface OpenJob {
  readonly job: JobRecord;
  readonly document: CompositeDocument;
  /** The machine's, as it was decided last. */
  state(): Promise<unknown>;
  /** The job of a child, if it was submitted. */
  child(key: string): Promise<JobRecord | undefined>;
}

/** The job that a child is. */
export interface ChildJob {
  readonly request: CreateJob;
  readonly prepared?: PreparedCommand;
  /** Absent: it is no step whose results could be another one's. */
  readonly reuse?: ReuseWish;
}

/** A part of a composite, as its plan has it. */
export interface PartSketch {
  /** Key of its child; of a loop, the part of its children's keys before the `#`. */
  readonly key: string;
  readonly type: string;
  /** Keys of parts that end before it begins. */
  readonly after: readonly string[];
  readonly status: string;
  readonly reason?: string;
  /** What tells it from the other parts, and what it came to; shown beside its job, too. */
  readonly note?: string;
}

/** A kind of composite job. */
export interface CompositeKind {
  readonly type: JobSpec["type"];
  readonly machine: Machine<unknown, unknown>;
  /** Checks all of it against the workspace, and resolves what never changes. Plan and document are absent where something is wrong. */
  plan(
    workspace: string,
    job: string,
    spec: JobSpec,
  ): Promise<Findings & { readonly plan?: Plan; readonly document?: CompositeDocument }>;
  /** Throws what can't be submitted; the child is then told to be refused. */
  child(open: OpenJob, order: ChildOrder): Promise<ChildJob>;
  /** The job's outputs, once it completed. */
  outputs(open: OpenJob): Promise<Readonly<Record<string, PlannedOutput>>>;
  /** What a person is shown of its parts before they have jobs. @default its children */
  readonly sketch?: (document: CompositeDocument, state: unknown) => readonly PartSketch[];
  /** Adds to a child's end what the child's run has on record. @default nothing */
  readonly enrich?: (
    workspace: string,
    document: CompositeDocument,
    childJob: string,
    event: CompositeEvent & { readonly kind: "ended" },
  ) => Promise<CompositeEvent>;
  /** What children have logged so far. @default a look finds nothing */
  readonly look?: (open: OpenJob, children: readonly ChildOrder[], atMs: number) => Promise<CompositeEvent | undefined>;
}

/** The kinds of composite jobs that this home runs. */
export interface Composites {
  /** Throws NotSupported. */
  of(type: JobSpec["type"]): Promise<CompositeKind>;
}

/** Each kind is made with the first job of it. */
export function makeComposites(
  kinds: Readonly<Partial<Record<JobSpec["type"], () => Promise<CompositeKind>>>>,
): Composites {
  const made = new Map<string, CompositeKind>();
  return {
    async of(type) {
      const kind = made.get(type) ?? (await kinds[type]?.());
      if (kind === undefined) {
        throw new AppError("NotSupported", `this home does not run jobs of type \`${type}\``);
      }
      made.set(type, kind);
      return kind;
    },
  };
}
