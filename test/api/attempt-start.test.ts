import { expect, test } from "vitest";
import { jobs, runner } from "../../src/client/routes.ts";
import { launchArrays, signStartCode } from "../../src/core/jobs/start-attempt.ts";
import { openStartStore } from "../../src/store/starts.ts";
import { type JobFrame, openJobFrame, reportOf } from "../helpers/job-frame.ts";
import { expectCode, until } from "../helpers/ports.ts";

const NONCE = "nonce-of-the-first-starter";
const OTHER = "nonce-of-somebody-else";

async function launched(frame: JobFrame, name: string) {
  await frame.client.call(jobs.put, {
    params: { workspace: "default", name },
    body: { spec: { type: "command", command: "echo hello", environment: "python-3" } },
  });
  await until(() => frame.machine.launched.some((request) => request.runId === name), "the launch");
}

const codeOf = (frame: JobFrame, run: string, nodes = 1, attempt = 1) =>
  signStartCode(frame.ground.signer, { workspace: "default", runId: run, attemptId: `${run}.${attempt}`, nodes });

const start = (frame: JobFrame, body: { code: string; nonce?: string; node?: number; index?: number }) =>
  frame.as("none").call(runner.start, { params: {}, body: { nonce: NONCE, ...body } });

test("a code gives the run's token once, and again to who had it", async () => {
  const frame = await openJobFrame();
  await launched(frame, "one");
  const code = await codeOf(frame, "one");

  const answer = await start(frame, { code });
  const again = await start(frame, { code });

  expect(answer).toMatchObject({ workspace: "default", run_id: "one", attempt: "one.1" });
  expect(answer.runner).toBeUndefined();
  expect(again.token).toBe(answer.token);
  const params = { workspace: "default", run: "one" };
  expect(await frame.as(answer.token).call(runner.assignment, { params })).toMatchObject({ attempt: "one.1" });
  await expectCode(start(frame, { code, nonce: OTHER }), "Conflict");
});

test("of two who start at the same moment, one does", async () => {
  const frame = await openJobFrame();
  await launched(frame, "one");
  const code = await codeOf(frame, "one");

  const answers = await Promise.allSettled([start(frame, { code }), start(frame, { code, nonce: OTHER })]);

  expect(answers.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
});

test("each of several machines starts once, and there are no more than asked for", async () => {
  const frame = await openJobFrame();
  await launched(frame, "one");
  const code = await codeOf(frame, "one", 2);

  await start(frame, { code, node: 0 });
  await start(frame, { code, node: 1, nonce: OTHER });

  await expectCode(start(frame, { code, node: 0, nonce: OTHER }), "Conflict");
  await expectCode(start(frame, { code, node: 2 }), "Unauthenticated");
});

test("a code is good for its attempt only, while it lasts, and is no token", async () => {
  const frame = await openJobFrame();
  await launched(frame, "one");
  const code = await codeOf(frame, "one");

  await expectCode(start(frame, { code: await codeOf(frame, "one", 1, 2) }), "Conflict");
  await expectCode(start(frame, { code: await codeOf(frame, "another") }), "Conflict");
  await expectCode(start(frame, { code: `${code}x` }), "Unauthenticated");
  await expectCode(frame.as(code).call(jobs.get, { params: { workspace: "default", name: "one" } }), "Unauthenticated");

  const asRun = await frame.runner("one");
  const params = { workspace: "default", run: "one" };
  await asRun.call(runner.report, { params, body: reportOf("one", "Completed") });
  await expectCode(start(frame, { code }), "Conflict");
});

test("each machine of an array starts the attempt of its place, once", async () => {
  const frame = await openJobFrame();
  await launched(frame, "one");
  const arrays = launchArrays({ signer: frame.ground.signer, starts: openStartStore(frame.ground) });
  const array = { workspace: "default", run: "sweep", id: "a" };
  expect(await arrays.keep(array, ["other.1", "one.1"])).toEqual(["other.1", "one.1"]);
  expect(await arrays.keep(array, ["late.1"])).toEqual(["other.1", "one.1"]);
  const code = await arrays.code(array);

  expect(await start(frame, { code, index: 1 })).toMatchObject({ run_id: "one", attempt: "one.1" });

  await expectCode(start(frame, { code, index: 1, nonce: OTHER }), "Conflict");
  await expectCode(start(frame, { code, index: 0 }), "Conflict");
  await expectCode(start(frame, { code, index: 2 }), "Unauthenticated");
  await expectCode(start(frame, { code }), "Unauthenticated");
});
