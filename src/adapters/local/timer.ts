import type { Bus, Message } from "../../core/ports/bus.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { checkTimer } from "../../core/ports/message-rules.ts";
import type { Timer } from "../../core/ports/timer.ts";
import { makeClock } from "../node/clock.ts";
import { type Database, openDatabase } from "./database.ts";

/** Clocks jump and laptops sleep: never wait longer than this for a due time. */
const LONGEST_WAIT_MS = 30_000;
const TROUBLE_PAUSE_MS = 1_000;
const BATCH = 100;

type Row = [id: string, at: number, message: string];

export interface LocalTimer extends Timer {
  /** Waits for a firing under way; timers not due stay. */
  close(): Promise<void>;
}

/** The Timer port on SQLite. A timer's row goes only after its message is durable in the bus, so a crash between the two fires it twice, never not at all. */
export function openTimer(
  options: ({ readonly path: string } | { readonly database: Database }) & {
    readonly bus: Bus;
    readonly clock?: Clock;
  },
): LocalTimer {
  const database = "database" in options ? options.database : openDatabase({ path: options.path });
  const clock = options.clock ?? makeClock();
  database.exec(SCHEMA);
  const upsert = database.prepare(
    "INSERT INTO timers (id, at, message) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at, message = excluded.message",
  );
  const remove = database.prepare("DELETE FROM timers WHERE id = ?");
  const removeFired = database.prepare("DELETE FROM timers WHERE id = ? AND at = ? AND message = ?");
  const selectDue = database.prepare(`SELECT id, at, message FROM timers WHERE at <= ? ORDER BY at LIMIT ${BATCH}`);
  const selectNext = database.prepare("SELECT min(at) FROM timers");
  let wakeup: NodeJS.Timeout | undefined;
  let closed = false;
  let firing: Promise<void> | undefined;

  function arm(delayMs?: number): void {
    clearTimeout(wakeup);
    if (closed || firing !== undefined) {
      return;
    }
    const [next] = selectNext.get() as unknown as [number | null];
    const waitMs = delayMs ?? (next === null ? undefined : next - clock.now());
    if (waitMs !== undefined) {
      wakeup = setTimeout(startFiring, Math.min(Math.max(waitMs, 0), LONGEST_WAIT_MS));
    }
  }

  function startFiring(): void {
    firing = fire().then(
      () => finish(),
      () => finish(TROUBLE_PAUSE_MS),
    );
  }

  function finish(delayMs?: number): void {
    firing = undefined;
    arm(delayMs);
  }

  async function fire(): Promise<void> {
    const due = selectDue.all(clock.now()) as unknown as Row[];
    if (due.length > 0) {
      await options.bus.send(due.map(([, , message]) => JSON.parse(message) as Message));
      await database.write(() => {
        for (const row of due) {
          // A timer that was set anew meanwhile is another one.
          removeFired.run(...row);
        }
      });
    }
  }

  arm();
  return {
    async set(id, atMs, message) {
      checkTimer(id, atMs, message);
      const { topic, body } = message;
      const row: Row = [id, atMs, JSON.stringify({ topic, id: message.id, body })];
      await database.write(() => upsert.run(...row));
      arm();
    },
    async cancel(id) {
      await database.write(() => remove.run(id));
    },
    async close() {
      closed = true;
      clearTimeout(wakeup);
      await firing;
      if (!("database" in options)) {
        database.close();
      }
    },
  };
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS timers (id TEXT NOT NULL PRIMARY KEY, at REAL NOT NULL, message TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS timers_at ON timers (at);
`;
