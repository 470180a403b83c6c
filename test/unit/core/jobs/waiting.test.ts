import { expect, test } from "vitest";
import { type WaitCause, waitSentence } from "../../../../src/core/jobs/waiting.ts";

const CASES: readonly (readonly [WaitCause, string])[] = [
  [{ cause: "queue", compute: "c", ahead: 0, slots: 2 }, "next on compute `c`"],
  [{ cause: "queue", compute: "c", ahead: 1, slots: 2 }, "1 job ahead; compute `c` runs 2 at a time"],
  [{ cause: "queue", compute: "c", ahead: 7, slots: 2 }, "7 jobs ahead; compute `c` runs 2 at a time"],
  [{ cause: "deleted", compute: "c" }, "compute `c` is not there any more"],
  [{ cause: "dependency", jobs: ["a"] }, "waits for job `a` to end"],
  [{ cause: "dependency", jobs: ["a", "b"] }, "waits for jobs `a`, `b` to end"],
  [{ cause: "building", environment: "sklearn:3" }, "the image of environment `sklearn:3` is being built"],
];

test.each(CASES)("%j", (why, sentence) => {
  expect(waitSentence(why)).toBe(sentence);
});
