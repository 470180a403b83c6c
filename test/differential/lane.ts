import { rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Peer } from "../../bench/mlflow-peer.ts";
import { type Call, Made, send, type Target } from "./call.ts";
import { type Difference, differences, type Pair } from "./compare.ts";
import { explain, type Met } from "./explained.ts";
import { normalize } from "./normalize.ts";

/** The first call of a sequence whose answers differ without explanation. */
export interface Failure {
  readonly index: number;
  readonly pair: Pair;
  readonly unexplained: readonly Difference[];
}

export interface Outcome {
  readonly calls: number;
  readonly explained: readonly Met[];
  readonly failure?: Failure;
}

export interface Home {
  readonly url: string;
  readonly token: string;
}

/** A pair of servers: an MLflow of its own that is emptied between sequences, and a fresh workspace of ours for each. */
export class Lane {
  private readonly peer: Peer;
  private readonly home: Home;
  private readonly name: string;
  private readonly records: Records;
  private sequences = 0;

  constructor(peer: Peer, home: Home, name: string) {
    this.peer = peer;
    this.home = home;
    this.name = name;
    this.records = new Records(peer.dir);
  }

  close(): void {
    this.records.close();
  }

  /** Sends each call to both servers at once and compares, until one differs without explanation or their states may. */
  async run(calls: readonly Call[]): Promise<Outcome> {
    const { theirs, ours, workspace } = await this.fresh();
    const [theirMade, ourMade] = [new Made(), new Made()];
    const spans: { begin: number; end: number }[] = [];
    const made = Date.now();
    const hits: Met[] = [];
    for (const [index, call] of calls.entries()) {
      const begin = await afterMs(spans.at(-1)?.end ?? made);
      const [reply, own] = await Promise.all([send(theirs, theirMade, call), send(ours, ourMade, call)]);
      spans.push({ begin, end: Date.now() });
      theirMade.learn(call, reply);
      ourMade.learn(call, own);
      const pair = {
        call,
        before: calls.slice(0, index),
        theirs: normalize(call, reply, theirMade, spans, "default"),
        ours: normalize(call, own, ourMade, spans, workspace),
      };
      const judged = explain(pair, differences(pair.theirs, pair.ours));
      hits.push(...judged.explained);
      if (judged.unexplained.length > 0)
        return { calls: index + 1, explained: hits, failure: { index, pair, unexplained: judged.unexplained } };
      if (judged.explained.some(({ rule }) => rule.parts)) return { calls: index + 1, explained: hits };
    }
    return { calls: calls.length, explained: hits };
  }

  private async fresh(): Promise<{ theirs: Target; ours: Target; workspace: string }> {
    const { hostname, port } = new URL(this.home.url);
    const authorization = { authorization: `Bearer ${this.home.token}` };
    const workspace = `${this.name}-${this.sequences++}`;
    await this.records.empty();
    const made = await fetch(`http://${hostname}:${port}/api/v1/workspaces/${workspace}`, {
      method: "PUT",
      headers: { ...authorization, "content-type": "application/json" },
      body: "{}",
    });
    if (!made.ok) throw new Error(`workspace ${workspace} was not made: ${made.status} ${await made.text()}`);
    const ours = { port: Number(port), base: `/w/${workspace}`, headers: authorization };
    // Default is made when it is first looked at.
    const path = "/api/2.0/mlflow/experiments/get?experiment_id=0";
    await send(ours, new Made(), { method: "GET", path });
    return { theirs: { port: this.peer.port, base: "", headers: {} }, ours, workspace };
  }
}

/** Waits until the clock shows a later millisecond, so that each belongs to one call. */
async function afterMs(last: number): Promise<number> {
  while (Date.now() <= last) await new Promise((resolve) => setImmediate(resolve));
  return Date.now();
}

/** MLflow's database and artifacts, set back to how they were at the start. */
class Records {
  private readonly database: DatabaseSync;
  private readonly dir: string;
  private readonly initial: readonly { readonly table: string; readonly rows: readonly Record<string, unknown>[] }[];

  constructor(dir: string) {
    this.dir = dir;
    this.database = new DatabaseSync(join(dir, "mlflow.db"), { timeout: 10_000 });
    this.database.exec("PRAGMA foreign_keys = OFF");
    const tables = this.database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'")
      .all();
    this.initial = tables.map(({ name }) => ({
      table: String(name),
      rows: this.database.prepare(`SELECT * FROM "${name}"`).all(),
    }));
  }

  async empty(): Promise<void> {
    this.database.exec("BEGIN IMMEDIATE");
    for (const { table, rows } of this.initial) {
      this.database.exec(`DELETE FROM "${table}"`);
      for (const row of rows) {
        const names = Object.keys(row);
        this.database
          .prepare(
            `INSERT INTO "${table}" (${names.map((name) => `"${name}"`).join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
          )
          .run(...(Object.values(row) as string[]));
      }
    }
    this.database.exec("COMMIT");
    for (const folder of await readdir(this.dir, { withFileTypes: true }))
      if (folder.isDirectory())
        for (const name of await readdir(join(this.dir, folder.name)))
          rmSync(join(this.dir, folder.name, name), { recursive: true, force: true });
  }

  close(): void {
    this.database.close();
  }
}
