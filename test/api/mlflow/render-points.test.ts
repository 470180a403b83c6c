import { expect, test } from "vitest";
import { bulkReply, historyReply } from "../../../src/api/mlflow/render-points.ts";
import { toResponse } from "../../../src/api/reply.ts";

const ODD = [
  0,
  1,
  -1,
  999_999,
  1_000_000,
  1_000_001,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  1_700_000_000_000,
  1_700_000_999_999,
  1_700_001_000_000,
  4_000_000_007,
  Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
  1e17,
  1e21,
];

function pointsOf(numbers: readonly number[]) {
  const column = Float64Array.from(numbers);
  return { length: column.length, values: column.map((n) => n / 3), timestamps: column, steps: column };
}

test("points are told digit by digit as JSON tells them, over many pieces", async () => {
  const points = pointsOf([...ODD, ...Array.from({ length: 3000 }, (_, i) => 1_699_999_998_500 + i)]);

  const answer = await toResponse(historyReply('lo"ss', points, "next")).text();

  const metrics = Array.from(points.steps, (n, i) => ({
    key: 'lo"ss',
    value: points.values[i],
    timestamp: n,
    step: n,
  }));
  expect(answer).toBe(JSON.stringify({ metrics, next_page_token: "next" }));
});

test("what is no number is told as text, runs without points not at all", async () => {
  const runs = [
    { runId: "a", points: pointsOf([]) },
    { runId: "b", points: pointsOf([Number.NaN]) },
    { runId: "c", points: pointsOf([3]) },
  ];
  for (const { points } of runs) points.timestamps.fill(5);

  const answer = (await toResponse(bulkReply("k", runs)).json()) as { metrics: unknown[] };

  expect(answer.metrics).toEqual([
    { key: "k", value: "NaN", timestamp: 5, step: 5, run_id: "b" },
    { key: "k", value: 1, timestamp: 5, step: 5, run_id: "c" },
  ]);
  expect(await toResponse(bulkReply("k", [])).text()).toBe("{}");
});
