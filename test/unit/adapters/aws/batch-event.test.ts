import { expect, test } from "vitest";
import { runOfEvent } from "../../../../src/adapters/aws/batch/event.ts";

const tags = { "trainyard:workspace": "default", "trainyard:run": "sweep" };
const attemptsOf = async ({ run, id }: { run: string; id: string }) =>
  run === "sweep" && id === "a" ? ["trial.one.1", "two.1"] : undefined;
const about = (detail: object) => runOfEvent(attemptsOf, { detail } as never);

test("an event is about the run that its job's tags name", async () => {
  expect(await about({ tags })).toEqual({ workspace: "default", run: "sweep" });
  expect(await about({ tags: { other: "1" } })).toBeUndefined();
  expect(await about({})).toBeUndefined();
});

test("one of an array's child is about the run of its place, and the array's own about none", async () => {
  const ofArray = { ...tags, "trainyard:array": "a" };

  expect(await about({ tags: ofArray, arrayProperties: { index: 0 } })).toEqual({
    workspace: "default",
    run: "trial.one",
  });
  expect(await about({ tags: ofArray, arrayProperties: { index: 5 } })).toBeUndefined();
  expect(await about({ tags: ofArray, arrayProperties: { size: 2 } })).toBeUndefined();
  expect(await about({ tags: { ...ofArray, "trainyard:array": "b" }, arrayProperties: { index: 0 } })).toBeUndefined();
});
