import { ERRORS, isAppError } from "../../contract/errors.ts";
import { mapLimited } from "../files/streams.ts";
import { askToEnd } from "../jobs/cancel-job.ts";
import { type ChangeDeps, changeJob, statusDeed } from "../jobs/change-job.ts";
import { registerOutputs } from "../jobs/end-job.ts";
import type { OutputRegistry } from "../jobs/ports.ts";
import type { ChildOf, JobRecord, Plan } from "../jobs/record.ts";
import { isFinal, step } from "../jobs/state.ts";
import { type CreateDeps, createJob } from "../jobs/submit-job.ts";
import { childId } from "./child-id.ts";
import type { CompositeDocument } from "./document.ts";
import { endRow } from "./ended.ts";
import type { Composites, OpenJob } from "./kinds.ts";
import type { ChildOrder, CompositeEvent, Effect } from "./machine.ts";
import type { Composite, CoordinationStore, Hands, OpenComposite } from "./ports.ts";
import { lookUp, type ReuseStore } from "./reuse/look-up.ts";

export interface HandsDeps extends CreateDeps, ChangeDeps {
  readonly composites: Composites;
  readonly outputs: OutputRegistry;
  readonly coordination: CoordinationStore;
  readonly reuse: ReuseStore;
  /** Has a composite looked at again at a time: its `look` is due. */
  readonly remind: (workspace: string, composite: string, atMs: number) => void;
}

/** Children submitted at once. */
const AT_ONCE = 8;

/** A composite with its job and document. */
interface Opened extends Composite {
  readonly record: JobRecord;
  readonly document: CompositeDocument;
}

/** Composites as they are on record. */
export function openerOf(deps: Pick<HandsDeps, "jobs" | "documents" | "composites">): OpenComposite {
  return async (workspace, job): Promise<Opened | undefined> => {
    const record = await deps.jobs.get(workspace, job);
    if (record?.coordinated !== true || isFinal(record.status)) return undefined;
    const document = await deps.documents.get(record);
    const { machine } = await deps.composites.of(record.spec.type);
    return { workspace, job, machine, plan: document.plan, record, document };
  };
}

/** Carries out what machines order, on jobs. */
export function makeHands(deps: HandsDeps): Hands {
  return {
    async perform(composite, effect) {
      const opened = composite as Opened;
      switch (effect.kind) {
        case "submit":
          await begin(deps, opened);
          await mapLimited(effect.children, AT_ONCE, (order) => submitChild(deps, opened, order));
          break;
        case "cancel":
          await cancelChild(deps, opened, effect);
          break;
        case "look":
          deps.remind(opened.workspace, opened.job, effect.atMs);
          break;
        case "finish":
          await finish(deps, opened, effect);
          break;
      }
    },
    async enrich(composite, event) {
      const { workspace, job, record, document } = composite as Opened;
      const { enrich } = await deps.composites.of(record.spec.type);
      if (event.kind !== "ended" || enrich === undefined) return event;
      return enrich(workspace, document, await childId(job, event.child), event);
    },
    async look(composite, { child }) {
      const { workspace, job } = composite;
      const record = await deps.jobs.get(workspace, await childId(job, child));
      if (record === undefined) return "missing";
      const row = endRow(record);
      return row?.event.kind === "ended" ? row.event : "under way";
    },
  };
}

/** Asks the children of a composite how far they are, where its kind wants to know. */
export async function lookAtChildren(
  deps: Pick<HandsDeps, "jobs" | "documents" | "composites" | "coordination">,
  workspace: string,
  job: string,
  atMs: number,
): Promise<void> {
  const opened = (await openerOf(deps)(workspace, job)) as Opened | undefined;
  const record = opened === undefined ? undefined : await deps.coordination.read(workspace, job);
  if (opened === undefined || record === undefined) return;
  const children = opened.machine.open(opened.plan, record.state);
  const kind = await deps.composites.of(opened.record.spec.type);
  const event = await kind.look?.(openJob(deps, opened), children, atMs);
  if (event !== undefined) await deps.coordination.tell(workspace, job, { cause: `looked#${atMs}`, event });
}

/** Everything there is to know of a composite, for its kind. */
export function openJob(deps: Pick<HandsDeps, "jobs" | "coordination">, opened: Composite): OpenJob {
  const { workspace, job, record, document } = opened as Opened;
  return {
    job: record,
    document,
    child: async (key) => deps.jobs.get(workspace, await childId(job, key)),
    state: async () => (await deps.coordination.read(workspace, job))?.state,
  };
}

async function begin(deps: HandsDeps, { workspace, job, record }: Opened): Promise<void> {
  if (record.status !== "Queued") return;
  const event = { kind: "begun", atMs: deps.clock.now() } as const;
  await changeJob(
    deps,
    workspace,
    job,
    (before) => step(before, event),
    () => undefined,
  );
}

async function submitChild(deps: HandsDeps, opened: Opened, order: ChildOrder): Promise<void> {
  const { workspace, job, record } = opened;
  const { child: key } = order;
  const of: ChildOf = { parent: job, child: key, root: record.composite?.root ?? job };
  try {
    const kind = await deps.composites.of(record.spec.type);
    const { request, prepared, reuse } = await kind.child(openJob(deps, opened), order);
    const made = await createJob(deps, {
      workspace,
      name: await childId(job, key),
      request,
      actor: record.createdBy,
      child: {
        of,
        experiment: { id: record.experimentId, name: record.experimentName },
        ...(prepared === undefined ? {} : { prepared }),
        ...(reuse === undefined ? {} : { reuse: (plan: Plan) => lookUp(deps, workspace, plan, reuse) }),
      },
    });
    // One that ended before has told so; should that have been before it was ordered, it is told again.
    const row = made.created ? undefined : endRow(made.record);
    if (row !== undefined) await deps.coordination.tell(workspace, job, row);
  } catch (error) {
    if (!isAppError(error) || ERRORS[error.code].retry || error.code === "Internal") throw error;
    const event: CompositeEvent = { kind: "refused", child: key, reason: error.message, atMs: deps.clock.now() };
    await deps.coordination.tell(workspace, job, { cause: `refused#${key}`, event });
  }
}

async function cancelChild(
  deps: HandsDeps,
  { workspace, job, record }: Opened,
  { child, reason }: Effect & { readonly kind: "cancel" },
): Promise<void> {
  const name = await childId(job, child);
  try {
    await askToEnd(deps, { workspace, name, reason, actor: record.cancel?.by ?? "system" });
  } catch (error) {
    // It was never submitted, or refused.
    if (!isAppError(error) || error.code !== "NotFound") throw error;
  }
}

/** Its outputs are known and registered before the end is seen, so that whoever waits for it finds them. */
async function finish(deps: HandsDeps, opened: Opened, effect: Effect & { readonly kind: "finish" }): Promise<void> {
  const { workspace, job, record } = opened;
  const { kind: _kind, ...end } = effect;
  const composite = await deps.composites.of(record.spec.type);
  const outputs = effect.status === "Completed" ? await composite.outputs(openJob(deps, opened)) : record.outputs;
  const registered = effect.status === "Completed" ? await registerOutputs(deps, { ...record, outputs }) : undefined;
  const event = { kind: "finished", ...end, atMs: deps.clock.now() } as const;
  await changeJob(
    deps,
    workspace,
    job,
    (before) => {
      const after = step(before, event);
      if (after === before) return before;
      const made = { ...after, outputs };
      return registered === undefined ? made : { ...made, ...registered(made) };
    },
    statusDeed("system"),
  );
}
