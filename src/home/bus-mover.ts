import type { Compose, Nudge } from "../core/jobs/ports.ts";
import type { Bus, Message } from "../core/ports/bus.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Ids } from "../core/ports/ids.ts";
import type { Turns } from "../store/turns.ts";
import type { BusWork } from "./bus-work.ts";
import type { MakeMover, MoverOptions } from "./job-loop.ts";
import { ROUND_SEC, SOON_SEC, TOPICS } from "./job-topics.ts";

/**
 * Moves jobs on in functions that live as long as a message: a nudge is a message, whoever gets it dispatches; the service's events are messages too,
 * and what they fail to tell is found by rounds, which go on by themselves while any job is under way. What messages have done is loaded with the first of them.
 */
export function makeBusMover(options: {
  readonly bus: Pick<Bus, "send" | "subscribe">;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Which run an event of the service that runs attempts is about; undefined where it is none of ours. */
  readonly runOf: (body: Message["body"]) => Promise<{ readonly workspace: string; readonly run: string } | undefined>;
}): {
  readonly make: MakeMover;
  /** Sends what was nudged since. A function calls it before it ends. */
  settle(): Promise<void>;
} {
  const { bus, turns, clock, ids, runOf } = options;
  let wanted = new Map<string, Message["body"]>();
  let composed = new Map<string, Message["body"]>();
  let looks = new Map<string, Message["body"] & { readonly atMs: number }>();
  let rounds = new Set<number>();

  const nudge: Nudge = (workspace, compute, job) => {
    const body = { workspace, compute, ...(job === undefined ? {} : { job }) };
    wanted.set(JSON.stringify(body), body);
    rounds.add(ROUND_SEC);
  };

  const compose: Compose = (workspace, composite) => {
    composed.set(`${workspace} ${composite}`, { workspace, composite });
    rounds.add(ROUND_SEC);
  };

  function remind(workspace: string, composite: string, atMs: number): void {
    looks.set(`${workspace} ${composite} ${atMs}`, { workspace, composite, atMs });
  }

  /** Rounds of one time are one message, however often they are asked for. */
  async function sendRound(inSec: number): Promise<void> {
    const nowSec = clock.now() / 1000;
    const atSec = Math.ceil((nowSec + inSec) / SOON_SEC) * SOON_SEC;
    const message = { topic: TOPICS.round, id: `at.${atSec}`, body: {} };
    await bus.send([message], { delaySec: Math.max(0, Math.round(atSec - nowSec)) });
  }

  function subscribe(mover: MoverOptions): void {
    const again = (inSec: number) => void rounds.add(inSec);
    const options = { mover, turns, runOf, tell: { nudge, compose, remind }, again };
    let work: Promise<BusWork> | undefined;
    for (const topic of Object.values(TOPICS)) {
      bus.subscribe(topic, async (delivery) => {
        work ??= import("./bus-work.ts").then(({ makeBusWork }) => makeBusWork(options));
        await (await work)[topic](delivery);
      });
    }
  }

  return {
    make(moverOptions) {
      subscribe(moverOptions);
      return { nudge, compose, look: () => undefined, start: async () => undefined, close: async () => undefined };
    },
    async settle() {
      const [bodies, delays] = [[...wanted.values()], [...rounds]];
      const [composites, later] = [[...composed.values()], [...looks.values()]];
      wanted = new Map();
      composed = new Map();
      looks = new Map();
      rounds = new Set();
      if (bodies.length > 0) {
        await bus.send(bodies.map((body) => ({ topic: TOPICS.dispatch, id: ids.hex32(), body })));
      }
      if (composites.length > 0) {
        await bus.send(composites.map((body) => ({ topic: TOPICS.compose, id: ids.hex32(), body })));
      }
      for (const body of later) {
        const delaySec = Math.max(0, Math.ceil((body.atMs - clock.now()) / 1000));
        await bus.send([{ topic: TOPICS.compose, id: ids.hex32(), body }], { delaySec });
      }
      for (const inSec of delays) await sendRound(inSec);
    },
  };
}
