import { describe, expect, onTestFinished, test } from "vitest";
import type { Bus, Delivery, Message } from "../../src/core/ports/bus.ts";
import { expectCode, unique, until } from "../helpers/ports.ts";

/** Delays short enough for a test; the adapter under test honours them. */
export const TEST_RETRY = { firstMs: 20, maxMs: 80, maxAttempts: 4 };

/** One queue that can be opened again, as after a restart. */
export interface BusFixture {
  /** Opens it with TEST_RETRY; `close` closes what the bus stands on, after the bus itself. */
  open(): Promise<{ readonly bus: Bus; readonly close: () => Promise<void> }>;
  cleanup(): Promise<void>;
}

const message = (topic: string, id: string, body: Message["body"] = {}): Message => ({ topic, id, body });

/** The conformance suite of the Bus port; `make` runs for each test. */
export function describeBus(name: string, make: () => Promise<BusFixture>): void {
  describe(`Bus: ${name}`, () => {
    /** An opener whose buses are closed when the test ends. */
    async function prepare(): Promise<{ open: () => Promise<{ bus: Bus; close: () => Promise<void> }> }> {
      const fixture = await make();
      const closers: (() => Promise<void>)[] = [];
      onTestFinished(async () => {
        for (const close of closers) {
          await close();
        }
        await fixture.cleanup();
      });
      return {
        async open() {
          const opened = await fixture.open();
          let closed = false;
          const close = async (): Promise<void> => {
            if (!closed) {
              closed = true;
              await opened.bus.close();
              await opened.close();
            }
          };
          closers.push(close);
          return { bus: opened.bus, close };
        },
      };
    }

    test("delivers each message to its topic's handler, whole", async () => {
      const { bus } = await (await prepare()).open();
      const left: Delivery[] = [];
      const right: Delivery[] = [];
      bus.subscribe("left", async (delivery) => void left.push(delivery));
      bus.subscribe("right", async (delivery) => void right.push(delivery));
      await bus.start();
      const body = { text: "Grüße 🚂", n: 1.5, list: [1, null, { a: true }], map: {} };

      await bus.send([message("left", "1", body), message("right", "2")]);
      await until(() => left.length === 1 && right.length === 1, "both messages");

      expect(left[0]).toEqual({ topic: "left", id: "1", body, attempt: 1 });
      expect(right[0]).toEqual({ topic: "right", id: "2", body: {}, attempt: 1 });
    });

    test("delivers what was sent before the start", async () => {
      const { bus } = await (await prepare()).open();
      const got: string[] = [];
      bus.subscribe("t", async ({ id }) => void got.push(id));

      await bus.send([message("t", "early")]);
      await bus.start();
      await until(() => got.length > 0, "the early message");

      expect(got).toEqual(["early"]);
    });

    test("delivers a flood, every message", async () => {
      const { bus } = await (await prepare()).open();
      const got = new Set<string>();
      bus.subscribe("t", async ({ id }) => void got.add(id));
      await bus.start();

      await Promise.all(
        Array.from({ length: 30 }, (_, at) =>
          bus.send(Array.from({ length: 10 }, (__, n) => message("t", `${at}-${n}`))),
        ),
      );
      await until(() => got.size === 300, "300 messages");

      expect(await bus.deadLetters()).toEqual([]);
    });

    test("two sends of one id are one message, at once, in one call or later", async () => {
      const { bus } = await (await prepare()).open();
      const got: string[] = [];
      bus.subscribe("t", async ({ id }) => void got.push(id));
      await bus.start();

      await Promise.all([bus.send([message("t", "same"), message("t", "same")]), bus.send([message("t", "same")])]);
      await until(() => got.includes("same"), "the first message");
      await bus.send([message("t", "same"), message("t", "last")]);
      await until(() => got.includes("last"), "the last message");

      expect(got.sort()).toEqual(["last", "same"]);
    });

    test("redelivers what a handler refused, with a growing attempt", async () => {
      const { bus } = await (await prepare()).open();
      const attempts: number[] = [];
      bus.subscribe("t", async ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) {
          throw new Error("not yet");
        }
      });
      await bus.start();

      await bus.send([message("t", "1")]);
      await until(() => attempts.length === 3, "the third attempt");

      expect(attempts).toEqual([1, 2, 3]);
      expect(await bus.deadLetters()).toEqual([]);
    });

    test("moves a message that always fails to the dead letters, with the last error", async () => {
      const { bus } = await (await prepare()).open();
      const attempts: number[] = [];
      bus.subscribe("t", async ({ attempt }) => {
        attempts.push(attempt);
        throw new Error(`attempt ${attempt} failed`);
      });
      await bus.start();

      await bus.send([message("t", "bad", { why: "test" })]);
      const dead = await until(async () => {
        const letters = await bus.deadLetters();
        return letters.length > 0 ? letters : undefined;
      }, "the dead letter");

      expect(attempts).toEqual([1, 2, 3, 4]);
      expect(dead).toMatchObject([{ topic: "t", id: "bad", body: { why: "test" }, attempt: 4 }]);
      expect(dead[0]?.error).toContain("attempt 4 failed");
    });

    test("a failing message holds up no other", async () => {
      const { bus } = await (await prepare()).open();
      const got: string[] = [];
      bus.subscribe("t", async ({ id }) => {
        if (id.startsWith("bad")) {
          throw new Error("no");
        }
        got.push(id);
      });
      await bus.start();

      await bus.send(Array.from({ length: 20 }, (_, at) => message("t", `bad-${at}`)));
      await bus.send([message("t", "good")]);
      await until(() => got.includes("good"), "the good message");
    });

    test("a slow topic holds up no other, and its handlers are limited", async () => {
      const { bus } = await (await prepare()).open();
      const got: string[] = [];
      let running = 0;
      let most = 0;
      const gate = Promise.withResolvers<void>();
      bus.subscribe("slow", async () => {
        running += 1;
        most = Math.max(most, running);
        await gate.promise;
        running -= 1;
      });
      bus.subscribe("quick", async ({ id }) => void got.push(id));
      await bus.start();

      await bus.send(Array.from({ length: 30 }, (_, at) => message("slow", `s${at}`)));
      await until(() => running > 0, "a slow handler");
      await bus.send([message("quick", "q")]);
      await until(() => got.includes("q"), "the quick message");
      gate.resolve();
      await until(() => running === 0, "the slow handlers");

      expect(most).toBeLessThanOrEqual(8);
    });

    test("holds a delayed message back, and not those after it", async () => {
      const { bus } = await (await prepare()).open();
      const got: { id: string; at: number }[] = [];
      bus.subscribe("t", async ({ id }) => void got.push({ id, at: performance.now() }));
      await bus.start();

      const sentAt = performance.now();
      await bus.send([message("t", "late")], { delaySec: 1 });
      await bus.send([message("t", "soon")]);
      await until(() => got.length === 2, "both messages");

      expect(got.map(({ id }) => id)).toEqual(["soon", "late"]);
      expect((got[1]?.at ?? 0) - sentAt).toBeGreaterThanOrEqual(900);
    });

    test("what was sent, refused, delayed and buried is there after a restart", async () => {
      const { open } = await prepare();
      const first = await open();
      const refused: number[] = [];
      first.bus.subscribe("bad", async () => {
        throw new Error("always");
      });
      first.bus.subscribe("retried", async ({ attempt }) => {
        refused.push(attempt);
        throw new Error("not here");
      });
      await first.bus.start();
      await first.bus.send([message("bad", "buried")]);
      await until(async () => (await first.bus.deadLetters()).length === 1, "the dead letter");
      await first.bus.send([message("retried", "again"), message("other", "nobody")]);
      await until(() => refused.length > 0, "a refusal");
      await first.close();

      const second = await open();
      const got: Delivery[] = [];
      second.bus.subscribe("retried", async (delivery) => void got.push(delivery));
      second.bus.subscribe("other", async (delivery) => void got.push(delivery));
      await second.bus.start();
      await until(() => got.length === 2, "both messages");

      expect(got.map(({ id }) => id).sort()).toEqual(["again", "nobody"]);
      expect(got.find(({ id }) => id === "again")?.attempt).toBe(refused.length + 1);
      expect((await second.bus.deadLetters()).map(({ id }) => id)).toEqual(["buried"]);
    });

    test("remembers delivered ids over a restart", async () => {
      const { open } = await prepare();
      const got: string[] = [];
      const first = await open();
      first.bus.subscribe("t", async ({ id }) => void got.push(id));
      await first.bus.start();
      await first.bus.send([message("t", "once")]);
      await until(() => got.length === 1, "the message");
      await first.close();

      const second = await open();
      second.bus.subscribe("t", async ({ id }) => void got.push(id));
      await second.bus.start();
      await second.bus.send([message("t", "once"), message("t", "marker")]);
      await until(() => got.includes("marker"), "the marker");

      expect(got).toEqual(["once", "marker"]);
    });

    test("close waits for the handlers under way and keeps the rest", async () => {
      const { open } = await prepare();
      const first = await open();
      const gate = Promise.withResolvers<void>();
      const started: string[] = [];
      const finished: string[] = [];
      first.bus.subscribe("t", async ({ id }) => {
        started.push(id);
        await gate.promise;
        finished.push(id);
      });
      await first.bus.start();
      await first.bus.send(Array.from({ length: 12 }, (_, at) => message("t", `m${at}`)));
      await until(() => started.length > 0, "a handler");

      const closing = first.close();
      gate.resolve();
      await closing;
      const doneBefore = [...finished];
      expect(doneBefore.sort()).toEqual([...started].sort());

      const second = await open();
      const rest: string[] = [];
      second.bus.subscribe("t", async ({ id }) => void rest.push(id));
      await second.bus.start();
      await until(() => rest.length + doneBefore.length === 12, "the rest");

      expect([...rest, ...doneBefore].sort()).toEqual(Array.from({ length: 12 }, (_, at) => `m${at}`).sort());
    });

    test("refuses what it could not carry, and sends after the end", async () => {
      const { bus } = await (await prepare()).open();
      bus.subscribe("t", async () => undefined);
      expect(() => bus.subscribe("t", async () => undefined)).toThrow(expect.objectContaining({ code: "Internal" }));

      await expectCode(() => bus.send([message("", "1")]), "InvalidArgument");
      await expectCode(() => bus.send([message("t", "")]), "InvalidArgument");
      await expectCode(() => bus.send([message("t", "1", { n: Number.NaN })]), "InvalidArgument");
      await expectCode(() => bus.send([message("t", "1", { text: "x".repeat(300_000) })]), "TooLarge");
      await expectCode(() => bus.send([message("t", "1")], { delaySec: -1 }), "InvalidArgument");
      await bus.send([]);
      await bus.close();
      await expectCode(() => bus.send([message("t", unique("late"))]), "Unavailable");
    });
  });
}
