import { describe, expect, onTestFinished, test } from "vitest";
import type { Bus, Message } from "../../src/core/ports/bus.ts";
import type { Timer } from "../../src/core/ports/timer.ts";
import { expectCode, until } from "../helpers/ports.ts";

interface OpenedTimer {
  readonly timer: Timer;
  /** Where the messages go; the test subscribes and starts it. */
  readonly bus: Bus;
  /** Closes all of it. */
  readonly close: () => Promise<void>;
}

/** One set of timers that can be opened again, as after a restart. */
export interface TimerFixture {
  open(): Promise<OpenedTimer>;
  cleanup(): Promise<void>;
}

const wake = (id: string): Message => ({ topic: "wake", id, body: { id } });

/** The conformance suite of the Timer port; `make` runs for each test. */
export function describeTimer(name: string, make: () => Promise<TimerFixture>): void {
  describe(`Timer: ${name}`, () => {
    async function prepare(): Promise<{
      open: (listen?: boolean) => Promise<OpenedTimer & { readonly got: readonly string[] }>;
    }> {
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
          let closed: Promise<void> | undefined;
          const close = (): Promise<void> => {
            closed ??= opened.close();
            return closed;
          };
          closers.push(close);
          const got: string[] = [];
          opened.bus.subscribe("wake", async ({ id }) => void got.push(id));
          await opened.bus.start();
          return { ...opened, close, got };
        },
      };
    }

    test("fires when its time has come, and not before", async () => {
      const { timer, got } = await (await prepare()).open();

      await timer.set("far", Date.now() + 3_600_000, wake("far"));
      await timer.set("soon", Date.now() + 30, wake("soon"));
      await timer.set("past", Date.now() - 60_000, wake("past"));
      await until(() => got.includes("soon") && got.includes("past"), "two timers");

      expect([...got].sort()).toEqual(["past", "soon"]);
    });

    test("setting an id again replaces it, earlier or later", async () => {
      const { timer, got } = await (await prepare()).open();

      await timer.set("sooner", Date.now() + 3_600_000, wake("never"));
      await timer.set("sooner", Date.now(), wake("now"));
      await timer.set("later", Date.now() + 1_000, wake("never too"));
      await timer.set("later", Date.now() + 3_600_000, wake("not yet"));
      await timer.set("marker", Date.now() + 1_100, wake("marker"));
      await until(() => got.includes("marker"), "the marker");

      expect(got).toEqual(["now", "marker"]);
    });

    test("a cancelled timer does not fire, and cancelling nothing is fine", async () => {
      const { timer, got } = await (await prepare()).open();

      await timer.set("a", Date.now() + 600, wake("cancelled"));
      await timer.cancel("a");
      await timer.cancel("a");
      await timer.cancel("never set");
      await timer.set("marker", Date.now() + 700, wake("marker"));
      await until(() => got.includes("marker"), "the marker");

      expect(got).toEqual(["marker"]);
    });

    test("a fired id can be set anew", async () => {
      const { timer, got } = await (await prepare()).open();

      await timer.set("a", Date.now(), wake("first"));
      await until(() => got.includes("first"), "the first firing");
      await timer.set("a", Date.now(), wake("second"));
      await until(() => got.includes("second"), "the second firing");

      expect(got).toEqual(["first", "second"]);
    });

    test("many timers at one moment all fire", async () => {
      const { timer, got } = await (await prepare()).open();
      const at = Date.now() + 20;

      await Promise.all(Array.from({ length: 250 }, (_, n) => timer.set(`t${n}`, at, wake(`w${n}`))));
      await until(() => new Set(got).size === 250, "250 timers");
    });

    test("fires after a restart what came due while it was away, once it is delivered", async () => {
      const { open } = await prepare();
      const first = await open();
      await first.timer.set("kept", Date.now() + 400, wake("kept"));
      await first.timer.set("dropped", Date.now() + 400, wake("dropped"));
      await first.timer.set("far", Date.now() + 3_600_000, wake("far"));
      await first.timer.cancel("dropped");
      await first.close();
      expect(first.got).toEqual([]);

      const second = await open();
      await until(() => second.got.includes("kept"), "the kept timer");
      await second.timer.set("marker", Date.now(), wake("marker"));
      await until(() => second.got.includes("marker"), "the marker");

      expect(second.got).toEqual(["kept", "marker"]);
    });

    test("refuses a timer without name or time, and a message no bus could carry", async () => {
      const { timer } = await (await prepare()).open();

      await expectCode(() => timer.set("", Date.now(), wake("x")), "InvalidArgument");
      await expectCode(() => timer.set("a", Number.NaN, wake("x")), "InvalidArgument");
      await expectCode(() => timer.set("a", Date.now(), { topic: "", id: "x", body: {} }), "InvalidArgument");
    });
  });
}
