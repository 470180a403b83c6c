import { expect, test } from "vitest";
import { computes, jobs } from "../../src/client/routes.ts";
import { AppError } from "../../src/contract/errors.ts";
import type { SweepJobSpec } from "../../src/contract/sweeps.ts";
import { openJobFrame } from "../helpers/job-frame.ts";
import { until } from "../helpers/ports.ts";

const SWEEP: SweepJobSpec = {
  type: "sweep",
  trial: { command: "echo ${{search_space.x}}", environment: "python-3" },
  search_space: { x: { type: "randint", upper: 100 } },
  objective: { goal: "minimize", primary_metric: "loss" },
  limits: { max_total_trials: 12 },
};
const params = (name: string) => ({ workspace: "default", name });

/** A sweep whose trials wait for a compute that another job has to itself. */
async function waiting() {
  const frame = await openJobFrame({ takesArrays: true });
  const slots = (count: number) =>
    frame.client.call(computes.put, { params: params("local"), body: { type: "local", slots: count + 1 } });
  await slots(0);
  const spec = { type: "command", command: "sleep 9", environment: "python-3" } as const;
  await frame.client.call(jobs.put, { params: params("other"), body: { spec } });
  await until(() => frame.machine.launched.length === 1, "the other job");
  await frame.client.call(jobs.put, { params: params("search"), body: { spec: SWEEP } });
  await until(async () => (await frame.client.call(jobs.get, { params: params("search") })).children === 12, "trials");
  const launched = () => frame.machine.launched.slice(1).map(({ attemptId }) => attemptId);
  return { frame, slots, launched };
}

test("trials that get their slots together are launched as one", async () => {
  const { frame, slots, launched } = await waiting();

  await slots(5);
  await until(() => launched().length === 5, "the first wave");
  await slots(12);
  await until(() => launched().length === 12, "the second wave");

  const [first, second, ...others] = frame.machine.arrays;
  expect([first?.attempts.length, second?.attempts.length, others]).toEqual([5, 7, []]);
  expect(first?.run).toBe("search");
  expect(first?.id).not.toBe(second?.id);
  expect(new Set(launched()).size).toBe(12);
});

test("a launch that failed is repeated for all of them, as the same array", async () => {
  const { frame, slots, launched } = await waiting();
  frame.machine.failure = new AppError("Unavailable", "AWS Batch does not answer");
  await slots(4);
  await until(() => frame.machine.arrays.length === 1, "the launch that fails");
  const [failed] = frame.machine.arrays;
  const child = failed?.attempts[0]?.slice(0, -2) ?? "";
  await until(
    async () => (await frame.client.call(jobs.get, { params: params(child) })).status_reason?.includes("tried again"),
    "the reason",
  );

  frame.machine.failure = undefined;
  frame.look();
  await until(() => launched().length === 4, "the launch");

  expect(frame.machine.arrays.at(-1)).toMatchObject({ run: "search", id: failed?.id });
  expect(frame.machine.arrays.at(-1)?.attempts.toSorted()).toEqual(failed?.attempts.toSorted());
});

test("one that its machine lost goes on alone", async () => {
  const { frame, slots, launched } = await waiting();
  await slots(3);
  await until(() => launched().length === 3, "the wave");
  const lost = frame.machine.arrays[0]?.attempts[1] ?? "";

  frame.machine.states.set(lost, { state: "exited", reason: "Host EC2 terminated", interrupted: true });
  frame.look();
  await until(() => launched().length === 4, "its next attempt");

  expect(launched().at(-1)).toBe(lost.replace(/\.1$/, ".2"));
  expect(frame.machine.arrays).toHaveLength(1);
});
