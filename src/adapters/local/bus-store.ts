import type { Delivery, Message } from "../../core/ports/bus.ts";
import { checkMessage } from "../../core/ports/message-rules.ts";
import type { Database } from "./database.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const FORGET_EVERY_MS = 60_000;

export interface Claimed extends Delivery {
  readonly seq: number;
}

/** Sequence numbers of messages whose handlers run. */
type UnderWay = ReadonlyMap<number, unknown>;

/** The rows behind the bus. Writes answer when they are durable. */
export interface BusStore {
  add(messages: readonly Message[], nowMs: number, delayMs: number): Promise<void>;
  /** Up to `limit` due messages of a topic that are not under way, longest due first. */
  due(topic: string, nowMs: number, except: UnderWay, limit: number): readonly Claimed[];
  /** Counts an attempt of each; those that have had `maxAttempts` already are buried instead and left out of the answer. */
  claim(messages: readonly Claimed[], maxAttempts: number): Promise<readonly Claimed[]>;
  nextDue(topics: readonly { readonly topic: string; readonly except: UnderWay }[]): number | undefined;
  remove(seq: number): Promise<void>;
  postpone(seq: number, dueMs: number, error: string): Promise<void>;
  bury(seq: number, error: string): Promise<void>;
  dead(): readonly (Delivery & { readonly error: string })[];
}

export function openBusStore(database: Database): BusStore {
  database.exec(SCHEMA);
  const remember = database.prepare(
    "INSERT INTO message_ids (topic, id, sent) VALUES (?, ?, ?) ON CONFLICT (topic, id) DO UPDATE SET sent = excluded.sent WHERE sent <= ?",
  );
  const forget = database.prepare(
    "DELETE FROM message_ids WHERE (topic, id) IN (SELECT topic, id FROM message_ids WHERE sent <= ? LIMIT 1000)",
  );
  const insert = database.prepare("INSERT INTO messages (topic, id, body, due) VALUES (?, ?, ?, ?)");
  const selectDue = database.prepare(
    "SELECT seq, id, body, attempt FROM messages WHERE topic = ? AND dead = 0 AND due <= ? ORDER BY due, seq LIMIT ?",
  );
  const selectNext = database.prepare(
    "SELECT seq, due FROM messages WHERE topic = ? AND dead = 0 ORDER BY due, seq LIMIT ?",
  );
  const count = database.prepare("UPDATE messages SET attempt = attempt + 1 WHERE seq = ?");
  const drop = database.prepare("DELETE FROM messages WHERE seq = ?");
  const delay = database.prepare("UPDATE messages SET due = ?, error = ? WHERE seq = ?");
  const kill = database.prepare(
    "UPDATE messages SET dead = 1, error = coalesce(?, error, 'the process ended while the message was handled') WHERE seq = ?",
  );
  const selectDead = database.prepare(
    "SELECT topic, id, body, attempt, error FROM messages WHERE dead = 1 ORDER BY seq",
  );
  let forgottenMs = 0;

  return {
    async add(messages, nowMs, delayMs) {
      const rows = messages.map(encodeMessage);
      if (rows.length === 0) {
        return;
      }
      await database.write(() => {
        for (const { topic, id, body } of rows) {
          if (remember.run(topic, id, nowMs, nowMs - DAY_MS).changes > 0) {
            insert.run(topic, id, body, nowMs + delayMs);
          }
        }
        if (nowMs - forgottenMs >= FORGET_EVERY_MS) {
          forgottenMs = nowMs;
          forget.run(nowMs - DAY_MS);
        }
      });
    },
    due(topic, nowMs, except, limit) {
      if (limit <= 0) {
        return [];
      }
      const rows = selectDue.all(topic, nowMs, limit + except.size) as unknown as [number, string, string, number][];
      return rows
        .filter(([seq]) => !except.has(seq))
        .slice(0, limit)
        .map(([seq, id, body, attempt]) => ({ seq, topic, id, body: JSON.parse(body), attempt }));
    },
    claim(messages, maxAttempts) {
      return database.write(() =>
        messages.flatMap((message) => {
          if (message.attempt >= maxAttempts) {
            kill.run(null, message.seq);
            return [];
          }
          count.run(message.seq);
          return [{ ...message, attempt: message.attempt + 1 }];
        }),
      );
    },
    nextDue(topics) {
      const times = topics.flatMap(({ topic, except }) => {
        const rows = selectNext.all(topic, except.size + 1) as unknown as [number, number][];
        return rows.filter(([seq]) => !except.has(seq)).map(([, due]) => due);
      });
      return times.length === 0 ? undefined : Math.min(...times);
    },
    async remove(seq) {
      await database.write(() => drop.run(seq));
    },
    async postpone(seq, dueMs, error) {
      await database.write(() => delay.run(dueMs, error, seq));
    },
    async bury(seq, error) {
      await database.write(() => kill.run(error, seq));
    },
    dead() {
      const rows = selectDead.all() as unknown as [string, string, string, number, string][];
      return rows.map(([topic, id, body, attempt, error]) => ({ topic, id, body: JSON.parse(body), attempt, error }));
    },
  };
}

/** A message as a row. Throws AppError("InvalidArgument") or "TooLarge" for one no home could carry. */
function encodeMessage(message: Message): { readonly topic: string; readonly id: string; readonly body: string } {
  checkMessage(message);
  return { topic: message.topic, id: message.id, body: JSON.stringify(message.body) };
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, dead INTEGER NOT NULL DEFAULT 0, error TEXT
  );
  CREATE INDEX IF NOT EXISTS messages_due ON messages (topic, due, seq) WHERE dead = 0;
  CREATE INDEX IF NOT EXISTS messages_dead ON messages (seq) WHERE dead = 1;
  CREATE TABLE IF NOT EXISTS message_ids (topic TEXT NOT NULL, id TEXT NOT NULL, sent REAL NOT NULL, PRIMARY KEY (topic, id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS message_ids_sent ON message_ids (sent);
`;
