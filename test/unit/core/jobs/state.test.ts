import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JobStatus } from "../../../../src/contract/jobs.ts";
import type { RunnerReport } from "../../../../src/contract/runner.ts";
import type { Life } from "../../../../src/core/jobs/record.ts";
import { isFinal, type JobEvent, mlflowStatus, step } from "../../../../src/core/jobs/state.ts";

const T0 = Date.parse("2026-01-01T00:00:00.000Z");
const ORDER: readonly JobStatus[] = ["Queued", "Preparing", "Provisioning", "Running", "Finalizing"];
const STATUSES: readonly JobStatus[] = [...ORDER, "Completed", "Failed", "Canceled"];

function queued(): Life {
  return {
    status: "Queued",
    history: [{ status: "Queued", at: new Date(T0).toISOString(), by: "user:a" }],
    attempts: [],
  };
}

function report(status: JobStatus, more: Partial<RunnerReport> = {}, atMs = T0 + 1000): JobEvent {
  const told: RunnerReport = { attempt: "j.1", status, at: new Date(atMs).toISOString(), ...more };
  return { kind: "report", report: told, by: "run:j", atMs: T0 + 100_000 };
}

const claim: JobEvent = { kind: "claim", attemptId: "j.1", reason: "starting", atMs: T0 + 10 };
const cancel: JobEvent = { kind: "cancel", by: "user:b", reason: "not needed", atMs: T0 + 20 };
const gone: JobEvent = { kind: "gone", attemptId: "j.1", reason: "the machine restarted", atMs: T0 + 30 };

const play = (...events: JobEvent[]): Life => events.reduce((life, event) => step(life, event), queued());

const anyAttempt = fc.constantFrom("j.1", "j.1", "j.1", "j.2", "other.1");
const anyTime = fc.integer({ min: T0, max: T0 + 1_000_000 });
const anyReport: fc.Arbitrary<JobEvent> = fc
  .record({ attempt: anyAttempt, status: fc.constantFrom(...STATUSES), atMs: anyTime, saidMs: anyTime })
  .map(({ attempt, status, atMs, saidMs }) => ({
    kind: "report",
    by: "run:j",
    atMs,
    report: { attempt, status, at: new Date(saidMs).toISOString() },
  }));
const anyEvent: fc.Arbitrary<JobEvent> = fc.oneof(
  { weight: 4, arbitrary: anyReport },
  anyTime.map((atMs): JobEvent => ({ kind: "claim", attemptId: "j.1", reason: "starting", atMs })),
  fc.record({ kind: fc.constant("launched" as const), attemptId: anyAttempt, handle: fc.constantFrom("h", "i") }),
  fc.record({
    kind: fc.constant("building" as const),
    attemptId: anyAttempt,
    reason: fc.constantFrom("first", "then"),
    build: fc.record({ since: fc.constantFrom("a", "b"), logBytes: fc.nat(2) }),
    atMs: anyTime,
  }),
  fc.record({ kind: fc.constant("launch-delayed" as const), attemptId: anyAttempt, reason: fc.constant("away") }),
  fc.record({
    kind: fc.constantFrom("launch-failed" as const, "gone" as const),
    attemptId: anyAttempt,
    reason: fc.constant("gone"),
    atMs: anyTime,
  }),
  anyTime.map((atMs): JobEvent => ({ kind: "cancel", by: "user:b", reason: "stop", atMs })),
);

describe("whatever happens, in any order", () => {
  test("a final status never changes, and the same event twice is the event once", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        let life = queued();
        for (const event of events) {
          const after = step(life, event);
          expect(step(after, event)).toBe(after);
          if (isFinal(life.status)) {
            expect(after.status).toBe(life.status);
            expect(after.history).toBe(life.history);
            expect(after.endedMs).toBe(life.endedMs);
          }
          life = after;
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a job only moves forward, its history tells each status once and its times don't run backwards", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        const life = play(...events);
        const ranks = life.history.map(({ status }) => (isFinal(status) ? ORDER.length : ORDER.indexOf(status)));
        const times = life.history.map(({ at }) => Date.parse(at));
        expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b));
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(life.history.at(-1)?.status).toBe(life.status);
        expect(life.endedMs !== undefined).toBe(isFinal(life.status));
      }),
      { numRuns: 500 },
    );
  });

  test("there is at most one attempt, and word of any other changes nothing", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        let life = queued();
        for (const event of events) {
          const foreign =
            (event.kind === "report" && event.report.attempt !== "j.1") ||
            ("attemptId" in event && event.attemptId !== "j.1");
          const after = step(life, event);
          if (foreign) expect(after).toBe(life);
          life = after;
        }
        expect(life.attempts.length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("however often its machines go away", () => {
  const anyInterruption: fc.Arbitrary<JobEvent> = fc
    .record({ number: fc.integer({ min: 1, max: 6 }), atMs: anyTime })
    .map(({ number, atMs }) => ({
      kind: "interrupted",
      attemptId: `j.${number}`,
      next: `j.${number + 1}`,
      reason: "the host is gone",
      atMs,
    }));
  const anyLife = fc.array(fc.oneof(anyEvent, anyInterruption), { maxLength: 60 });

  test("each attempt moves forward once, and what ended is not touched again", () => {
    fc.assert(
      fc.property(anyLife, (events) => {
        let life = queued();
        for (const event of events) {
          const after = step(life, event);
          expect(step(after, event)).toBe(after);
          const earlier = life.attempts.slice(0, -1);
          expect(after.attempts.slice(0, earlier.length)).toEqual(earlier);
          if (isFinal(life.status)) expect(after.status).toBe(life.status);
          life = after;
        }
        const begins = life.history.filter(({ status }) => status === "Queued").length;
        expect(life.attempts.map(({ id }) => id)).toEqual(life.attempts.map((_, at) => `j.${at + 1}`));
        expect(begins).toBe(Math.max(1, life.attempts.length));
        expect(life.attempts.length).toBeLessThanOrEqual(5);
      }),
      { numRuns: 500 },
    );
  });

  test("it begins anew with the reason, and fails after five", () => {
    const gone = (number: number): JobEvent => ({
      kind: "interrupted",
      attemptId: `j.${number}`,
      next: `j.${number + 1}`,
      reason: "Host EC2 (instance i-1) terminated.",
      atMs: T0 + number * 1000,
    });

    const second = play(claim, report("Running"), gone(1), gone(1));
    expect(second).toMatchObject({
      status: "Queued",
      statusReason: "attempt 2 begins: Host EC2 (instance i-1) terminated.",
      attempts: [
        { id: "j.1", reason: "Host EC2 (instance i-1) terminated." },
        { id: "j.2", number: 2 },
      ],
    });
    expect(step(second, report("Completed"))).toBe(second);
    expect(play(claim, cancel, gone(1))).toMatchObject({ status: "Canceled" });
    expect(play(claim, ...[1, 2, 3, 4, 5].map(gone))).toMatchObject({
      status: "Failed",
      statusReason: "5 attempts were interrupted; the last: Host EC2 (instance i-1) terminated.",
    });
  });
});

describe("a job's way", () => {
  test("through to its end, with exit code and times", () => {
    const life = play(
      claim,
      { kind: "launched", attemptId: "j.1", handle: "h" },
      report("Preparing"),
      report("Running", {}, T0 + 2000),
      report("Finalizing", {}, T0 + 3000),
      report("Completed", { exit_code: 0 }, T0 + 4000),
    );

    expect(life.history.map(({ status }) => status)).toEqual([
      "Queued",
      "Preparing",
      "Running",
      "Finalizing",
      "Completed",
    ]);
    expect(life).toMatchObject({ status: "Completed", exitCode: 0, startedMs: T0 + 2000, endedMs: T0 + 4000 });
    expect(life.attempts).toMatchObject([{ id: "j.1", handle: "h", exit_code: 0 }]);
  });

  test("waits with the reason its machine gave", () => {
    const life = play(claim, { kind: "launch-delayed", attemptId: "j.1", reason: "the machine is away" });

    expect(life).toMatchObject({ status: "Queued", statusReason: "the machine is away" });
  });

  test("ends at once when cancelled before anything ran", () => {
    expect(play(cancel)).toMatchObject({ status: "Canceled", statusReason: "not needed" });
  });

  test("is not started once it was cancelled", () => {
    expect(play(cancel, claim).attempts).toEqual([]);
  });

  test("keeps running until its runner obeyed a cancel, and names who wished it", () => {
    const asked = play(claim, report("Running"), cancel);
    expect(asked).toMatchObject({ status: "Running", cancel: { by: "user:b" } });

    const ended = step(asked, report("Canceled", { reason: "SIGTERM" }));
    expect(ended).toMatchObject({ status: "Canceled", statusReason: "not needed" });
    expect(ended.history.at(-1)?.by).toBe("user:b");
  });

  test("is completed if the command was faster than the cancel", () => {
    expect(play(claim, report("Running"), cancel, report("Completed"))).toMatchObject({ status: "Completed" });
  });

  test("fails when its runner is gone, unless it was to be cancelled anyway", () => {
    expect(play(claim, report("Running"), gone)).toMatchObject({
      status: "Failed",
      statusReason: "the machine restarted",
    });
    expect(play(claim, report("Running"), cancel, gone)).toMatchObject({ status: "Canceled" });
  });

  test("does not believe a runner's clock that is ahead", () => {
    const life = play(claim, report("Running", {}, T0 + 99_999_999));

    expect(life.startedMs).toBe(T0 + 100_000);
  });
});

test("statuses in MLflow's words", () => {
  expect(STATUSES.map(mlflowStatus)).toEqual([
    "SCHEDULED",
    "SCHEDULED",
    "SCHEDULED",
    "RUNNING",
    "RUNNING",
    "FINISHED",
    "FAILED",
    "KILLED",
  ]);
});
