import { expect, onTestFinished, test } from "vitest";
import { openTable } from "../../../src/adapters/local/table.ts";
import { queueKey } from "../../../src/store/facts/keys.ts";
import { openJobStore } from "../../../src/store/jobs.ts";
import { makeTempDir } from "../../helpers/ports.ts";

test("the beginning of a long queue has all who hold a slot, and who is next of each priority", async () => {
  const folder = makeTempDir();
  const table = openTable({ path: `${folder.path}/t.db` });
  onTestFinished(() => {
    table.close();
    folder.remove();
  });
  const jobs = openJobStore({
    table,
    activity: () => {
      throw new Error("nothing is done to a job here");
    },
  });
  const seqs = (rank: string) => Array.from({ length: 80 }, (_, i) => `${rank}000000000000${1000 + i}.000001.job`);
  const holders = new Set([...seqs("").slice(0, 2), ...seqs("~").slice(1, 3)]);
  const all = [...seqs("+"), ...seqs(""), ...seqs("~")];
  for (const seq of all) {
    const item = { ...queueKey("w", "c", seq), type: "QUEUE", v: 1, job: seq, seq, holds: holders.has(seq) };
    await table.transact([{ kind: "put", item }]);
  }

  const [whole, part] = [await jobs.queue("w", "c"), await jobs.queue("w", "c", 4)];

  expect(whole.map(({ seq }) => seq)).toEqual(all);
  expect(part.length).toBeLessThan(all.length);
  expect(part.map(({ seq }) => seq)).toEqual(all.filter((seq) => part.some((entry) => entry.seq === seq)));
  expect(part.filter(({ holds }) => holds).map(({ seq }) => seq)).toEqual([...holders]);
  for (const rank of ["+", "", "~"]) {
    const next = seqs(rank)
      .filter((seq) => !holders.has(seq))
      .slice(0, 4);
    expect(part.map(({ seq }) => seq)).toEqual(expect.arrayContaining(next));
  }
});
