import { mapLimited } from "../files/streams.ts";
import type { Effect } from "./machine.ts";
import type { Composite, CoordinationStore, CoordRecord, Hands, InboxRow, OpenComposite } from "./ports.ts";

export interface AdvanceDeps {
  readonly coordination: CoordinationStore;
  readonly open: OpenComposite;
  readonly hands: Hands;
}

/** Rows folded in one transaction, which takes 100 writes. */
const ROWS = 90;

/**
 * Takes into account what happened to a composite, and does what follows, until its inbox is empty. Whoever else does the same at the same time loses nothing by it:
 * the state has one next revision, and what was decided is done by whoever finds it pending. Answers false where there is no such composite.
 */
export async function advance(deps: AdvanceDeps, workspace: string, job: string): Promise<boolean> {
  const composite = await deps.open(workspace, job);
  if (composite === undefined) return false;
  const { coordination } = deps;
  let before = await coordination.read(workspace, job);
  for (;;) {
    // Before anything new is decided: the next revision forgets it.
    if (before !== undefined) before = await perform(deps, composite, before);
    const rows = await coordination.inbox(workspace, job, ROWS);
    if (rows.length === 0) return true;
    const after = decide(composite, before, await enriched(deps, composite, rows));
    const causes = rows.map(({ cause }) => cause);
    const isOurs = await coordination.decide(composite, before?.rev ?? 0, after, causes);
    before = isOurs ? after : await coordination.read(workspace, job);
  }
}

/** For composites that have been silent: what their children came to is told where it was not, children that got lost are submitted again, and so is a lost look. */
export async function reconcileComposite(deps: AdvanceDeps, workspace: string, job: string): Promise<void> {
  const composite = await deps.open(workspace, job);
  if (composite === undefined || !(await advance(deps, workspace, job))) return;
  const record = await deps.coordination.read(workspace, job);
  if (record === undefined) return;
  let told = false;
  for (const child of composite.machine.open(composite.plan, record.state)) {
    const look = await deps.hands.look(composite, child);
    if (look === "under way") continue;
    if (look === "missing") {
      await deps.hands.perform(composite, { kind: "submit", children: [child] });
    } else {
      await deps.coordination.tell(workspace, job, { cause: causeOf(look.child), event: look });
    }
    told = true;
  }
  if (told) await advance(deps, workspace, job);
  const atMs = composite.machine.nextLook?.(record.state);
  if (atMs !== undefined) await deps.hands.perform(composite, { kind: "look", atMs });
}

/** Of a child's end: whoever tells it, it is one row. */
export const causeOf = (child: string): string => `ended#${child}`;

/** Children that are looked up, or told to end, at once. */
const AT_ONCE = 16;

async function enriched(
  { hands }: AdvanceDeps,
  composite: Composite,
  rows: readonly InboxRow[],
): Promise<readonly InboxRow[]> {
  const { enrich } = hands;
  if (enrich === undefined) return rows;
  return mapLimited(rows, AT_ONCE, async (row) => ({ ...row, event: await enrich(composite, row.event) }));
}

function decide({ machine, plan }: Composite, before: CoordRecord | undefined, rows: readonly InboxRow[]): CoordRecord {
  let state = before?.state ?? machine.start(plan);
  const effects: Effect[] = [];
  for (const { event } of rows) {
    const after = machine.step(plan, state, event);
    state = after.state;
    effects.push(...after.effects);
  }
  const joined = joinSubmits(effects);
  const pending = machine.complete === undefined ? joined : joined.map(withoutParameters);
  return { rev: (before?.rev ?? 0) + 1, state, pending };
}

/** Those of thousands of children would not fit into a record. */
function withoutParameters(effect: Effect): Effect {
  if (effect.kind !== "submit") return effect;
  return { kind: "submit", children: effect.children.map(({ parameters: _made, ...order }) => order) };
}

function whole({ machine, plan }: Composite, state: unknown, effect: Effect): Effect {
  const { complete } = machine;
  if (effect.kind !== "submit" || complete === undefined) return effect;
  return { kind: "submit", children: effect.children.map((order) => complete(plan, state, order)) };
}

/** Neighbouring orders are carried out together. */
function joinSubmits(effects: readonly Effect[]): readonly Effect[] {
  const joined: Effect[] = [];
  for (const effect of effects) {
    const last = joined.at(-1);
    if (effect.kind === "submit" && last?.kind === "submit") {
      joined[joined.length - 1] = { kind: "submit", children: [...last.children, ...effect.children] };
    } else {
      joined.push(effect);
    }
  }
  return joined;
}

/** Effects one after the other, but for cancels that stand together: those of a thousand children don't wait for each other. */
function inTurn(effects: readonly Effect[]): readonly (readonly Effect[])[] {
  const turns: Effect[][] = [];
  for (const effect of effects) {
    const last = turns.at(-1);
    if (effect.kind === "cancel" && last?.[0]?.kind === "cancel") last.push(effect);
    else turns.push([effect]);
  }
  return turns;
}

/** The record without what was pending. */
async function perform(
  { coordination, hands }: AdvanceDeps,
  composite: Composite,
  record: CoordRecord,
): Promise<CoordRecord> {
  if (record.pending.length === 0) return record;
  for (const effects of inTurn(record.pending)) {
    await mapLimited(effects, AT_ONCE, (effect) => hands.perform(composite, whole(composite, record.state, effect)));
  }
  await coordination.performed(composite.workspace, composite.job, record.rev);
  return { ...record, pending: [] };
}
