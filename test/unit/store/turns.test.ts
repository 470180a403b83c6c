import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openTable } from "../../../src/adapters/local/table.ts";
import { openTurns } from "../../../src/store/turns.ts";
import { makeTempDir, unique } from "../../helpers/ports.ts";

/** Two processes over one real table, with a clock that the test moves. */
function openBoth() {
  const folder = makeTempDir();
  const table = openTable({ path: join(folder.path, "yard.db") });
  const now = { ms: 1_000_000 };
  const open = () => openTurns({ table, clock: { now: () => now.ms }, newId: () => unique("holder") });
  onTestFinished(() => {
    table.close();
    folder.remove();
  });
  return { one: open(), other: open(), now };
}

it("never overlaps work of one name, and loses no wish for it", async () => {
  const { one, other } = openBoth();
  let under = 0;
  let most = 0;
  let wished = 0;
  let seen = 0;
  const work = async () => {
    most = Math.max(most, ++under);
    await new Promise((resolve) => setImmediate(resolve));
    seen = wished;
    under -= 1;
  };

  await Promise.all(
    Array.from({ length: 30 }, async (_, at) => {
      wished += 1;
      await (at % 2 === 0 ? one : other).take("dispatch", work);
    }),
  );

  expect({ most, seen }).toEqual({ most: 1, seen: 30 });
});

it("is free again after work that failed, and when its taker is gone for long", async () => {
  const { one, other, now } = openBoth();
  const done: string[] = [];

  await expect(one.take("t", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await other.take("t", async () => {
    done.push("after the failure");
  });
  one.take("t", () => new Promise(() => undefined)).catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  await other.take("t", async () => {
    done.push("too early");
  });
  now.ms += 120_001;
  await other.take("t", async () => {
    done.push("after a while");
  });

  expect(done).toEqual(["after the failure", "after a while"]);
});
