import { isAppError } from "../contract/errors.ts";
import type { Gc } from "../core/gc/gc.ts";
import type { Receipt } from "../core/gc/ports.ts";
import type { Bus, Message } from "../core/ports/bus.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Timer } from "../core/ports/timer.ts";

export const GC_TOPICS = { round: "gc.round", retain: "gc.retain", advance: "gc.advance" } as const;

/** One message works for so long at most; what is left is another message. */
const BUDGET_MS = 20_000;

/** Wakes gc when a receipt's grace period is over. */
export async function remindOf(timer: Pick<Timer, "set">, { workspace, id, freesAtMs }: Receipt): Promise<void> {
  const message = { topic: GC_TOPICS.advance, id: `${workspace}.${id}.${freesAtMs}`, body: { workspace, id } };
  await timer.set(`gc.${workspace}.${id}`, freesAtMs, message);
}

/** gc in functions that live as long as a message: a round, once a day, asks for each workspace's retention and for what is due, each in a message of its own. */
export function subscribeGc(options: {
  readonly bus: Pick<Bus, "send" | "subscribe">;
  readonly gc: Pick<Gc, "retain" | "advance" | "due">;
  readonly workspaces: () => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly ids: Ids;
}): void {
  const { bus, gc, workspaces, clock, ids } = options;
  const messageOf = (topic: string, body: Message["body"]): Message => ({ topic, id: ids.hex32(), body });

  /** Goes on later with what the time was too short for. What waits for something else is found by the next round. */
  async function within(work: (budgetMs: number) => Promise<Receipt | undefined>): Promise<void> {
    const deadline = clock.now() + BUDGET_MS;
    const receipt = await work(BUDGET_MS).catch(unlessGone);
    if (receipt === undefined || !isUnderWay(receipt) || clock.now() < deadline) return;
    const { workspace, id } = receipt;
    await bus.send([messageOf(GC_TOPICS.advance, { workspace, id })]);
  }

  bus.subscribe(GC_TOPICS.round, async () => {
    const due = (await gc.due()).map(({ workspace, id }) => messageOf(GC_TOPICS.advance, { workspace, id }));
    const retained = (await workspaces()).map((workspace) => messageOf(GC_TOPICS.retain, { workspace }));
    await bus.send([...due, ...retained]);
  });

  bus.subscribe(GC_TOPICS.retain, ({ body }) =>
    within((budgetMs) => gc.retain({ workspace: String(body.workspace), budgetMs })),
  );

  bus.subscribe(GC_TOPICS.advance, ({ body }) =>
    within((budgetMs) => gc.advance({ workspace: String(body.workspace), budgetMs }, String(body.id))),
  );
}

function isUnderWay({ state }: Receipt): boolean {
  return state === "collecting" || state === "freeing" || state === "restoring";
}

/** Its workspace was freed meanwhile. */
function unlessGone(error: unknown): undefined {
  if (!isAppError(error) || error.code !== "NotFound") throw error;
  return undefined;
}
