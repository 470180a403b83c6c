import { describe, expect, it } from "vitest";
import { makeGate } from "../../../src/serving/gate.ts";

const never = new AbortController().signal;

describe("the gate", () => {
  it("lets so many in at a time, the rest in the order they came", async () => {
    const gate = makeGate({ places: 2, maxWaitMs: 10_000 });
    const order: number[] = [];

    const [first, second] = await Promise.all([gate.enter(never), gate.enter(never)]);
    const waiting = [3, 4].map((n) =>
      gate.enter(never).then((entry) => {
        order.push(n);
        return entry;
      }),
    );
    const crowded = { active: gate.active, waiting: gate.waiting };
    if (first.ok) first.release();
    const third = await waiting[0];
    if (third?.ok) third.release();
    await waiting[1];

    expect([first.ok, second.ok]).toEqual([true, true]);
    expect(crowded).toEqual({ active: 2, waiting: 2 });
    expect(order).toEqual([3, 4]);
    expect(gate).toMatchObject({ active: 2, waiting: 0 });
  });

  it("gives a place back once, however often it is released", async () => {
    const gate = makeGate({ places: 1, maxWaitMs: 10_000 });
    const entry = await gate.enter(never);
    if (entry.ok) {
      entry.release();
      entry.release();
    }

    expect(gate.active).toBe(0);
  });

  it("turns away who waited too long, and who left", async () => {
    const gate = makeGate({ places: 1, maxWaitMs: 5 });
    await gate.enter(never);
    const leaving = new AbortController();

    const late = gate.enter(never);
    const left = gate.enter(leaving.signal);
    leaving.abort();

    expect(await left).toEqual({ ok: false, why: "closed" });
    expect(await late).toEqual({ ok: false, why: "busy" });
    expect(gate.waiting).toBe(0);
  });

  it("turns away at once when too many wait already", async () => {
    const gate = makeGate({ places: 1, maxWaitMs: 60_000 });
    const leaving = new AbortController();
    const all = Array.from({ length: 1001 }, () => gate.enter(leaving.signal));

    const last = await gate.enter(leaving.signal);
    leaving.abort();
    await Promise.all(all);

    expect(last).toEqual({ ok: false, why: "busy" });
  });
});
