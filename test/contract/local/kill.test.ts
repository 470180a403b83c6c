import { type ChildProcessByStdio, spawn } from "node:child_process";
import { hash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type Home, openHome } from "../../../src/adapters/local/home.ts";
import { makeTempDir, until } from "../../helpers/ports.ts";
import { listAll } from "../describe-objects.ts";
import { allItems } from "../describe-table.ts";

const WRITER = fileURLToPath(new URL("./writer.ts", import.meta.url));
const ROUNDS = 6;

function startWriter(dir: string, round: number): ChildProcessByStdio<null, Readable, null> {
  const writer = spawn(process.execPath, [WRITER, dir, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void writer.kill("SIGKILL"));
  return writer;
}

/** Lets the writer run until it has acknowledged `count` writes, kills it in the middle of the next ones, and answers what it acknowledged. */
async function acknowledgedUntilKilled(dir: string, round: number, count: number): Promise<readonly string[]> {
  const writer = startWriter(dir, round);
  const closed = new Promise<void>((resolve) => writer.once("close", () => resolve()));
  let text = "";
  for await (const chunk of writer.stdout.setEncoding("utf8")) {
    text += chunk;
    if (text.split("\n").length > count) {
      writer.kill("SIGKILL");
    }
  }
  await closed;
  expect(writer.signalCode).toBe("SIGKILL");
  return text
    .split("\n")
    .slice(0, -1)
    .filter((line) => line !== "ready");
}

/** What of `acknowledged` of one kind is not among `found`. */
function lost(acknowledged: readonly string[], kind: string, found: Iterable<string>): readonly string[] {
  const there = new Set(found);
  return acknowledged.filter((line) => line.startsWith(`${kind} `) && !there.has(line.slice(kind.length + 1)));
}

async function checkRecords(home: Home, acknowledged: readonly string[]): Promise<void> {
  const left = (await allItems(home.table, { pk: "left" })).map((item) => item.sk);
  const right = (await allItems(home.table, { pk: "right" })).map((item) => item.sk);
  const counted = (await allItems(home.table, { pk: "count" })).reduce((sum, item) => sum + Number(item.n), 0);
  expect(lost(acknowledged, "record", left)).toEqual([]);
  expect(right).toEqual(left);
  expect(counted).toBe(left.length);
}

async function checkObjects(home: Home, dir: string, acknowledged: readonly string[]): Promise<void> {
  const { keys } = await listAll(home.objects, { prefix: "" });
  expect(lost(acknowledged, "object", keys)).toEqual([]);
  for (const key of keys) {
    const body = Buffer.from(await new Response((await home.objects.get(key))?.body).arrayBuffer());
    expect(key.endsWith(hash("sha256", body))).toBe(true);
  }
  expect(readdirSync(join(dir, "objects", "%tmp"))).toEqual([]);
}

test("kill -9 in the middle of writes loses nothing that was acknowledged, and needs no repair", {
  timeout: 120_000,
}, async () => {
  const folder = makeTempDir();
  onTestFinished(folder.remove);
  const acknowledged: string[] = [];
  const delivered = new Set<string>();

  for (let round = 0; round < ROUNDS; round += 1) {
    acknowledged.push(...(await acknowledgedUntilKilled(folder.path, round, 50 + round * 150)));
    const home = await openHome({ dir: folder.path });
    try {
      home.bus.subscribe("t", async ({ id }) => void delivered.add(id));
      await home.bus.start();
      await checkRecords(home, acknowledged);
      await checkObjects(home, folder.path, acknowledged);
      await until(() => lost(acknowledged, "message", delivered).length === 0, "the acknowledged messages");
      expect(await home.bus.deadLetters()).toEqual([]);
    } finally {
      await home.close();
    }
  }

  for (const kind of ["record", "object", "message"]) {
    expect(acknowledged.filter((line) => line.startsWith(kind)).length).toBeGreaterThan(ROUNDS);
  }
});

test("a second server is refused while the first lives, and takes over when it was killed", async () => {
  const folder = makeTempDir();
  onTestFinished(folder.remove);
  const writer = startWriter(folder.path, 0);
  await new Promise((resolve) => writer.stdout.once("data", resolve));
  writer.stdout.resume();

  const refusal = await openHome({ dir: folder.path }).catch((error: unknown) => error);
  const closed = new Promise<void>((resolve) => writer.once("close", () => resolve()));
  writer.kill("SIGKILL");
  await closed;
  const home = await openHome({ dir: folder.path });

  expect(refusal).toMatchObject({ code: "Conflict", details: { pid: writer.pid } });
  expect(String(refusal)).toContain(`\`${writer.pid}\``);
  await home.close();
});
