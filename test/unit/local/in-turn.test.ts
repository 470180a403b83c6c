import { expect, it } from "vitest";
import { makeTurns } from "../../../src/local/in-turn.ts";

it("runs the tasks of one key one after the other, failures included, and those of others beside them", async () => {
  const inTurn = makeTurns();
  const order: string[] = [];
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });

  const first = inTurn("a", async () => {
    await held;
    order.push("a1");
    throw new Error("a1 failed");
  });
  const second = inTurn("a", async () => void order.push("a2"));
  await inTurn("b", async () => void order.push("b1"));
  release();

  await expect(first).rejects.toThrow("a1 failed");
  await second;
  expect(order).toEqual(["b1", "a1", "a2"]);
});
