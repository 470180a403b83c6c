import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Launcher, LaunchRequest, LaunchState } from "../../src/core/ports/launcher.ts";
import { unique, until } from "../helpers/ports.ts";
import type { TinyRunners } from "./tiny-runners.ts";

export interface LauncherFixture {
  /** What the launched runners are: their program is `TINY_RUNNER`, their API this. */
  readonly runners: TinyRunners;
  readonly compute: LaunchRequest["compute"];
  /** Another launcher over the same machines, as after a restart. */
  open(): Launcher;
  /** Attempts launched from now on stay `starting` until the answer is called. */
  hold(): Promise<() => unknown>;
  /** A handle as of this attempt, which has ended, of which the machines know nothing any more. */
  forget(handle: string): Promise<string>;
  /** Why the grace period is not the caller's to choose. @default it is */
  readonly fixedGrace?: string;
  cleanup(): Promise<void>;
}

const isLive = ({ state }: LaunchState): boolean => state === "starting" || state === "running";

/** The conformance suite of the Launcher port; `make` runs once. */
export function describeLauncher(name: string, make: () => Promise<LauncherFixture>): void {
  describe(`Launcher: ${name}`, () => {
    let fixture: LauncherFixture;
    let launcher: Launcher;

    beforeAll(async () => {
      fixture = await make();
      launcher = fixture.open();
    });
    afterAll(() => fixture?.cleanup());

    function requestOf(attemptId: string): LaunchRequest {
      return {
        attemptId,
        workspace: "default",
        runId: attemptId.slice(0, attemptId.lastIndexOf(".")),
        apiUrl: fixture.runners.url,
        runToken: "token",
        compute: fixture.compute,
        resources: { instanceCount: 1 },
        ...(launcher.needsImage === true ? { image: "image" } : {}),
      };
    }

    /** Waits until its runner is up. */
    async function launch(label = "run") {
      const attempt = `${unique(label)}.1`;
      const { handle } = await launcher.launch(requestOf(attempt));
      await until(() => fixture.runners.starts(attempt) > 0, `the runner of ${attempt}`);
      return { attempt, handle };
    }

    const ended = (handle: string, by = launcher): Promise<LaunchState> =>
      until(async () => {
        const state = await by.inspect(handle);
        return !isLive(state) && state;
      }, "its end");

    function exitCodeOf(state: LaunchState): number | undefined {
      return state.state === "exited" ? (state.exitCode ?? state.report?.exit_code) : undefined;
    }

    test("an attempt is starting, running, and exited with its exit code", async () => {
      const release = await fixture.hold();
      const attempt = `${unique("run")}.1`;
      const { handle } = await launcher.launch(requestOf(attempt));
      const first = await launcher.inspect(handle);
      await release();
      await until(() => fixture.runners.starts(attempt) > 0, "its runner");
      const second = await launcher.inspect(handle);
      fixture.runners.end(attempt, 7);

      expect(first.state).toBe("starting");
      expect(second.state).toBe("running");
      expect(exitCodeOf(await ended(handle))).toBe(7);
    });

    test("an attempt is started once, however often it is launched, also by another and after its end", async () => {
      const { attempt, handle } = await launch();
      const other = fixture.open();

      const again = await other.launch(requestOf(attempt));
      const both = [await launcher.inspect(handle), await other.inspect(again.handle)];
      fixture.runners.end(attempt, 0);
      const end = await ended(handle);
      const late = await other.launch(requestOf(attempt));

      expect(both.map(({ state }) => state)).toEqual(["running", "running"]);
      expect(exitCodeOf(end)).toBe(0);
      expect(await launcher.inspect(late.handle)).toEqual(end);
      // A second runner would be up before one that was launched after it has ended.
      const marker = await launch();
      fixture.runners.end(marker.attempt, 0);
      await ended(marker.handle);
      expect(fixture.runners.starts(attempt)).toBe(1);
    });

    test("two who launch it at the same moment have one runner", async () => {
      const attempt = `${unique("run")}.1`;
      const other = fixture.open();

      const [one, two] = await Promise.all([launcher.launch(requestOf(attempt)), other.launch(requestOf(attempt))]);
      await until(async () => {
        const states = [await launcher.inspect(one.handle), await launcher.inspect(two.handle)];
        return states.every(({ state }) => state === "running") && fixture.runners.starts(attempt) > 0;
      }, "its runner");
      fixture.runners.end(attempt, 5);

      expect([await ended(one.handle), await ended(two.handle)].map(exitCodeOf)).toEqual([5, 5]);
    });

    test("attempts of one run are told apart", async () => {
      const { attempt, handle } = await launch();
      fixture.runners.end(attempt, 1);
      await ended(handle);
      const next = attempt.replace(/1$/, "2");

      const second = await launcher.launch(requestOf(next));
      await until(() => fixture.runners.starts(next) === 1, "the second attempt");
      fixture.runners.end(next, 0);

      expect(exitCodeOf(await ended(second.handle))).toBe(0);
      expect(exitCodeOf(await launcher.inspect(handle))).toBe(1);
    });

    test("a handle is text of at most 4 KB, by which another launcher finds and ends the attempt", async () => {
      const { attempt, handle } = await launch("n".repeat(200));
      const other = fixture.open();

      expect(Buffer.byteLength(handle)).toBeLessThanOrEqual(4096);
      expect((await other.inspect(handle)).state).toBe("running");
      await other.cancel(handle, 60);
      await ended(handle, other);
      expect(fixture.runners.wasTold(attempt)).toBe(true);
    });

    test("canceling asks a runner to end, and it may be asked again, also when it has ended", async () => {
      const { attempt, handle } = await launch();
      const untouched = await launch();

      await launcher.cancel(handle, 60);
      await launcher.cancel(handle, 60);
      const end = await ended(handle);
      await launcher.cancel(handle, 60);

      expect(end.state).toBe("exited");
      expect(fixture.runners.wasTold(attempt)).toBe(true);
      expect(await launcher.inspect(handle)).toEqual(end);
      expect((await launcher.inspect(untouched.handle)).state).toBe("running");
      await launcher.cancel(untouched.handle, 60);
      await ended(untouched.handle);
    });

    test("a runner that does not end when asked is killed after the grace period", async ({ skip }) => {
      if (fixture.fixedGrace !== undefined) skip(fixture.fixedGrace);
      const { attempt, handle } = await launch("deaf");

      await launcher.cancel(handle, 60);
      await until(() => fixture.runners.wasTold(attempt), "SIGTERM");
      const meanwhile = await launcher.inspect(handle);
      await launcher.cancel(handle, 0.1);
      const end = await ended(handle);

      expect(meanwhile.state).toBe("running");
      expect(exitCodeOf(end)).toBeUndefined();
    });

    test("an ended attempt may be cleaned up, more than once, and stays ended", async () => {
      const { attempt, handle } = await launch();
      fixture.runners.end(attempt, 0);
      await ended(handle);

      await launcher.cleanup(handle);
      await launcher.cleanup(handle);

      expect(isLive(await launcher.inspect(handle))).toBe(false);
    });

    test("an attempt that nothing is known of is gone, with a reason, and may be canceled", async () => {
      const { attempt, handle } = await launch();
      fixture.runners.end(attempt, 0);
      await ended(handle);

      const forgotten = await fixture.forget(handle);

      expect(await launcher.inspect(forgotten)).toEqual({ state: "gone", reason: expect.stringMatching(/\w+ \w+/) });
      await launcher.cancel(forgotten, 1);
      await launcher.cleanup(forgotten);
    });
  });
}
