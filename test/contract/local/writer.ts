import { hash } from "node:crypto";
import { openHome } from "../../../src/adapters/local/home.ts";

/**
 * A process to be killed: `node writer.ts DIR ROUND` writes records, objects and messages as fast as it can,
 * and prints one line for each write that has been acknowledged.
 */
const [dir = "", round = ""] = process.argv.slice(2);
const home = await openHome({ dir });

/** A pipe takes a line in one synchronous write, so what was printed was acknowledged. */
function acknowledge(kind: string, id: string): void {
  process.stdout.write(`${kind} ${id}\n`);
}

async function writeRecords(lane: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    const id = `${round}-${lane}-${n}`;
    await home.table.transact([
      { kind: "put", item: { pk: "left", sk: id, type: "test", v: 1, text: "x".repeat(300) } },
      { kind: "put", item: { pk: "right", sk: id, type: "test", v: 1, bytes: new Uint8Array(200) } },
      { kind: "update", key: { pk: "count", sk: String(lane) }, add: { n: 1 } },
    ]);
    acknowledge("record", id);
  }
}

async function writeObjects(lane: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    const body = Buffer.alloc(1 + ((n * 7919) % 90_000), `${round}-${lane}-${n};`);
    const key = `blobs/${lane}/${hash("sha256", body)}`;
    await home.objects.put(key, body, { ifAbsent: n % 2 === 0 });
    acknowledge("object", key);
  }
}

async function sendMessages(): Promise<never> {
  for (let n = 0; ; n += 1) {
    const id = `${round}-${n}`;
    await home.bus.send([{ topic: "t", id, body: { n } }]);
    acknowledge("message", id);
  }
}

process.stdout.write("ready\n");
await Promise.all([...[0, 1, 2, 3].map(writeRecords), ...[0, 1].map(writeObjects), sendMessages()]);
