import fc from "fast-check";
import { expect, it } from "vitest";
import { openTrackingApi } from "../helpers/tracking.ts";
import { type Call, Made } from "./call.ts";
import { sequence } from "./generate/sequences.ts";
import { normalize } from "./normalize.ts";
import { shrink } from "./shrink.ts";

const SEQUENCES = 40;

it("random sequences of calls find no fault in the server", async () => {
  const api = await openTrackingApi();
  const statuses = new Set<number>();

  for (const calls of fc.sample(sequence, { seed: 20, numRuns: SEQUENCES })) {
    const made = new Made();
    for (const call of calls) {
      const filled = made.fillJson(call as never) as unknown as Call;
      const query = new URLSearchParams(
        (filled.query ?? []).map(([name, value]): [string, string] => [name, value.toWellFormed()]),
      );
      // It throws on a 500.
      const { status, text } = await api.ask(call.method, `${filled.path}${query.size === 0 ? "" : `?${query}`}`, {
        ...(filled.body === undefined ? {} : { body: filled.body }),
        ...(filled.bytes === undefined ? {} : { bytes: filled.bytes }),
        ...(filled.headers === undefined ? {} : { headers: filled.headers }),
      });
      made.learn(call, { status, text, headers: {} });
      statuses.add(status);
    }
  }

  expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 404]));
});

it("answers are compared without ids and times", () => {
  const made = new Made();
  const call = { method: "POST", path: "/api/2.0/mlflow/runs/create", body: {} };
  const text = JSON.stringify({
    run: { info: { run_id: "abc", start_time: 1000, end_time: 2005, artifact_uri: "x/abc" } },
  });
  const reply = { status: 200, text, headers: { "content-type": "application/json" } };
  made.learn(call, reply);

  const spans = [
    { begin: 2000, end: 2001 },
    { begin: 2003, end: 2009 },
  ];
  expect(normalize(call, reply, made, spans, "w").body).toEqual({
    run: {
      info: { run_id: "<run 0>", start_time: "<time before>", end_time: "<time of call 1>", artifact_uri: "x/<run 0>" },
    },
  });
});

it("a failing sequence is made as short as it can be", async () => {
  const call = (path: string, body = {}): Call => ({ method: "POST", path, body });
  const pair = {
    call: call("/b"),
    before: [],
    theirs: { status: 200, body: {}, headers: {} },
    ours: { status: 400, body: {}, headers: {} },
  };
  const unexplained = [{ at: "status", theirs: 200, ours: 400 }];
  const failsAt = (calls: readonly Call[]) => {
    const index = calls.findIndex(({ path, body }) => path === "/b" && (body as { wrong?: number }).wrong === 1);
    return index < 0 ? undefined : { index, pair, unexplained };
  };
  const calls = [call("/a"), call("/b", { fine: 1, wrong: 1 }), call("/c")];

  const { calls: shortest } = await shrink({ calls, failure: { index: 1, pair, unexplained } }, async (tried) =>
    failsAt(tried),
  );

  expect(shortest).toEqual([call("/b", { wrong: 1 })]);
});
