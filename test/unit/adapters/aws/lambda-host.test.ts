import { join } from "node:path";
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  InvalidParameterValueException,
  InvokeCommand,
  LambdaClient,
  ResourceConflictException,
  ResourceNotFoundException,
  type State,
  TooManyRequestsException,
} from "@aws-sdk/client-lambda";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openFunctions } from "../../../../src/adapters/aws/lambda-host/functions.ts";
import { makeLambdaHost } from "../../../../src/adapters/aws/lambda-host/host.ts";
import { openHostedRecords } from "../../../../src/adapters/aws/lambda-host/records.ts";
import { functionName, isFunctionOf } from "../../../../src/adapters/aws/lambda-host/settings.ts";
import { openHome } from "../../../../src/adapters/local/home.ts";
import { makeDigest } from "../../../../src/adapters/node/digest.ts";
import type { HostRequest } from "../../../../src/core/ports/host.ts";
import { makeTempDir } from "../../../helpers/ports.ts";

const lambda = mockClient(LambdaClient);
const error = { $metadata: {}, message: "" };
const REQUEST: HostRequest = {
  id: "wines/prices/blue/3/b",
  workspace: "wines",
  endpoint: "prices",
  deployment: "blue",
  revision: 3,
  apiUrl: "https://api.test",
  token: "its-token",
  secret: "s",
  environmentRef: "123456789012.dkr.ecr.us-east-1.amazonaws.com/yard/endpoints@sha256:abc",
  instanceCount: 1,
  size: { memoryMb: 3538, timeoutSec: 400 },
};

beforeEach(() => lambda.reset());

async function openHost() {
  const temp = makeTempDir();
  const home = await openHome({ dir: join(temp.path, "home") });
  onTestFinished(async () => {
    await home.close();
    temp.remove();
  });
  const clock = { nowMs: 1_000_000, now: () => clock.nowMs };
  const done: string[] = [];
  const note = (what: string) => async (name: string) => void done.push(`${what} ${name}`);
  const host = makeLambdaHost({
    settings: { home: "yard", roleArn: "arn:role", repositoryUri: "r/yard/endpoints", logDays: 7 },
    functions: openFunctions(new LambdaClient({ region: "us-east-1" })),
    logs: { make: note("log"), tail: async () => "", delete: note("no log") },
    images: { add: async (_, tag) => void done.push(`tag ${tag}`), remove: note("no tag") },
    records: openHostedRecords(home.table),
    digest: makeDigest(),
    clock,
  });
  return { host, clock, done };
}

const isIn = (state: State, StateReason = "") =>
  lambda.on(GetFunctionConfigurationCommand).resolves({ State: state, StateReason });
const says = (answer: unknown, FunctionError?: string) =>
  lambda
    .on(InvokeCommand)
    // biome-ignore lint/suspicious/noExplicitAny: the SDK's payload has more than bytes, which nobody asks for
    .resolves({ Payload: Buffer.from(JSON.stringify(answer)) as any, ...(FunctionError ? { FunctionError } : {}) });

describe("a replica set on AWS Lambda", () => {
  test("is a function of its image, with its size, what it is, and a log that ends", async () => {
    const { host, done } = await openHost();

    const { handle } = await host.start(REQUEST);

    expect(isFunctionOf("yard", handle)).toBe(true);
    expect(lambda.commandCalls(CreateFunctionCommand)[0]?.args[0].input).toMatchObject({
      FunctionName: handle,
      PackageType: "Image",
      Code: { ImageUri: REQUEST.environmentRef },
      Architectures: ["x86_64"],
      MemorySize: 3538,
      Timeout: 400,
      Role: "arn:role",
      Tags: { "trainyard:home": "yard", "trainyard:endpoint": "wines/prices/blue" },
    });
    const told = lambda.commandCalls(CreateFunctionCommand)[0]?.args[0].input.Environment?.Variables ?? {};
    expect(Object.values(told).map((text) => JSON.parse(text ?? ""))).toMatchObject([
      { id: REQUEST.id, revision: 3, apiUrl: "https://api.test", token: "its-token" },
    ]);
    expect(done).toEqual([`log /aws/lambda/${handle}`, `tag used-${handle}`]);
  });

  test("that is there already is not made again", async () => {
    const { host } = await openHost();
    lambda.on(CreateFunctionCommand).rejects(new ResourceConflictException(error));

    expect((await host.start(REQUEST)).handle).toBe((await host.start(REQUEST)).handle);
  });

  test.each([
    ["memory that the account may not have", "'MemorySize' must be at most 3008", "can't have 3538 MB of memory"],
    ["anything else for good", "the image is for another platform", "does not take the function: the image is for"],
    ["the home itself", "not authorized", "may not make its function: not authorized", "AccessDeniedException"],
  ])("fails when Lambda refuses %s, and leaves nothing", async (_, message, words, name = "") => {
    const { host, done } = await openHost();
    const refusal = new InvalidParameterValueException({ ...error, message });
    lambda.on(CreateFunctionCommand).rejects(name === "" ? refusal : Object.assign(new Error(message), { name }));
    lambda.on(DeleteFunctionCommand).rejects(new ResourceNotFoundException(error));

    await expect(host.start(REQUEST)).rejects.toMatchObject({
      code: "DeploymentFailed",
      message: expect.stringContaining(words),
    });
    expect(done.filter((each) => each.startsWith("no "))).toHaveLength(2);
  });

  test("is asked how it is until it can serve, then no more", async () => {
    const { host } = await openHost();
    const { handle } = await host.start(REQUEST);

    isIn("Pending");
    const coming = await host.inspect(handle);
    isIn("Active");
    says({ phase: "starting", log: "" });
    const starting = await host.inspect(handle);
    says({ phase: "ready", log: "awake" });
    const ready = await host.inspect(handle);
    lambda.reset();

    expect(coming).toMatchObject({ state: "starting", reason: "AWS Lambda is making its image ready" });
    expect(starting).toEqual({ state: "starting", addresses: [] });
    expect(ready).toEqual({ state: "healthy", addresses: [handle] });
    expect(await host.inspect(handle)).toEqual(ready);
    expect(lambda.calls()).toEqual([]);
    expect(await host.logs(handle, 10)).toBe("awake");
  });

  test("that says it can't serve has failed, in its words", async () => {
    const { host } = await openHost();
    const { handle } = await host.start(REQUEST);
    isIn("Active");
    says({ phase: "failed", reason: "init() failed: no such grape", log: "one\ntwo" });

    expect(await host.inspect(handle)).toMatchObject({ state: "failed", reason: "init() failed: no such grape" });
    expect(await host.logs(handle, 1)).toBe("two");
  });

  test.each([
    [{ errorType: "Runtime.ExitError", errorMessage: "signal: killed" }, "ran out of memory"],
    [{ errorType: "Sandbox.Timedout", errorMessage: "Task timed out after 400 s" }, "did not answer in time"],
    [{ errorType: "Runtime.ExitError", errorMessage: "exit status 9" }, "exit status 9"],
  ])("whose process dies three times has failed: %j", async (death, words) => {
    const { host } = await openHost();
    const { handle } = await host.start(REQUEST);
    isIn("Active");
    says(death, "Unhandled");

    const states = [];
    for (let i = 0; i < 3; i++) states.push(await host.inspect(handle));

    expect(states.map(({ state }) => state)).toEqual(["starting", "starting", "failed"]);
    expect(states[2]?.reason).toContain(words);
  });

  test("waits where the account has no free function, but not for ever", async () => {
    const { host, clock } = await openHost();
    const { handle } = await host.start(REQUEST);
    isIn("Active");
    lambda.on(InvokeCommand).rejects(new TooManyRequestsException(error));

    const waiting = await host.inspect(handle);
    clock.nowMs += 21 * 60_000;
    const late = await host.inspect(handle);

    expect(waiting).toMatchObject({ state: "starting", reason: "AWS Lambda has no free function for it" });
    expect(late).toMatchObject({ state: "failed", reason: "it did not come up within 20 minutes" });
  });

  test.each([
    ["Lambda can't run its image", () => isIn("Failed", "exec format error"), "exec format error"],
    [
      "it is gone",
      () => lambda.on(GetFunctionConfigurationCommand).rejects(new ResourceNotFoundException(error)),
      "its function is gone",
    ],
  ])("fails where %s", async (_, given, words) => {
    const { host } = await openHost();
    const { handle } = await host.start(REQUEST);
    given();

    expect(await host.inspect(handle)).toMatchObject({ state: "failed", reason: expect.stringContaining(words) });
  });

  test("gives requests under way their time before its function goes", async () => {
    const { host, clock, done } = await openHost();
    const { handle } = await host.start(REQUEST);

    const first = await host.stop(handle, 10);
    clock.nowMs += 9000;
    const second = await host.stop(handle, 10);
    const before = lambda.commandCalls(DeleteFunctionCommand).length;
    clock.nowMs += 1000;
    const third = await host.stop(handle, 10);

    expect([first, second, before, third]).toEqual(["draining", "draining", 0, "stopped"]);
    expect(lambda.commandCalls(DeleteFunctionCommand)).toHaveLength(1);
    expect(done.slice(-2)).toEqual([`no tag used-${handle}`, `no log /aws/lambda/${handle}`]);
  });
});

test("functions of a home are told from those of homes whose names begin alike", () => {
  const name = functionName("yard", "0123456789abcdef0123");

  expect(name).toBe("yard-serve-0123456789abcdef");
  expect([isFunctionOf("yard", name), isFunctionOf("yard", "yard-serve-api"), isFunctionOf("ya", name)]).toEqual([
    true,
    false,
    false,
  ]);
});
