import middy from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { expect, test } from "vitest";
import { readSettings } from "../../../lambdas/home/settings.ts";
import { answerFaults } from "../../../lambdas/middleware/answer-faults.ts";
import { logRequests } from "../../../lambdas/middleware/log-requests.ts";
import { AppError } from "../../../src/contract/errors.ts";

const ENV = {
  STAGE: "s",
  TABLE_NAME: "t",
  BUCKET_NAME: "b",
  VAULT_KEY_ARN: "k",
  API_URL: "https://api.example.test",
  QUEUE_URL: "q",
};

test.each(Object.keys(ENV))("a function without %s does not start, and says the name", (name) => {
  expect(() => readSettings({ ...ENV, [name]: undefined })).toThrow(`\`${name}\` is not set`);
  expect(() => readSettings({ ...ENV, [name]: "" })).toThrow(`\`${name}\` is not set`);
});

test("settings are what they were at the start", () => {
  expect(Object.isFrozen(readSettings(ENV))).toBe(true);
  expect(readSettings(ENV).hasOneEndpoint).toBe(false);
});

function run(work: () => Promise<APIGatewayProxyStructuredResultV2>) {
  const lines: { readonly level: string; readonly about: Readonly<Record<string, unknown>> }[] = [];
  const log = {
    info: (_: string, about = {}) => void lines.push({ level: "info", about }),
    fault: (_: string, __: unknown, about = {}) => void lines.push({ level: "fault", about }),
  };
  const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(logRequests(log, { stage: "try-1" }))
    .use(answerFaults(log))
    .handler(work);
  const event = {
    headers: { authorization: "Bearer hunter2" },
    rawPath: "/x",
    rawQueryString: "token=hunter2",
    requestContext: { requestId: "r", http: { method: "GET", path: "/x" } },
  } as unknown as APIGatewayProxyEventV2;
  const context = { awsRequestId: "invocation", getRemainingTimeInMillis: () => 1000 } as unknown as Context;
  return handler(event, context).then((result) => ({ result, lines }));
}

test("the line of a request carries the home's metrics, also of what failed outside the app", async () => {
  const { lines: good } = await run(async () => ({ statusCode: 200 }));
  const { lines: bad } = await run(() => Promise.reject(new Error("x")));
  const { lines: refused } = await run(async () => ({ statusCode: 404 }));
  const counts = (lines: typeof good) => lines.filter(({ about }) => "_aws" in about).map(({ about }) => about);

  expect(counts(good)).toMatchObject([{ stage: "try-1", faults: 0, refusals: 0, coldStarts: 1 }]);
  expect(counts(bad)).toMatchObject([{ faults: 1, refusals: 0, status: 500 }]);
  expect(counts(refused)).toMatchObject([{ faults: 0, refusals: 1 }]);
  expect(counts(good)[0]?._aws).toMatchObject({
    CloudWatchMetrics: [
      {
        Namespace: "Trainyard",
        Dimensions: [["stage"]],
        Metrics: [
          { Name: "latency", Unit: "Milliseconds" },
          { Name: "faults" },
          { Name: "refusals" },
          { Name: "coldStarts" },
        ],
      },
    ],
  });
});

test("a request is one line, without what it was sent with", async () => {
  const { lines } = await run(async () => ({ statusCode: 200, headers: { "x-request-id": "id" } }));

  expect(lines).toMatchObject([
    { level: "info", about: { method: "GET", path: "/x", status: 200, requestId: "id", invocation: "invocation" } },
  ]);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
});

test("a fault outside the app is answered without its words, and logged", async () => {
  const { result, lines } = await run(() => Promise.reject(new Error("secret detail")));

  expect(result.statusCode).toBe(500);
  expect(result.body).not.toContain("secret detail");
  expect(lines.map((line) => line.level)).toContain("fault");
  expect(JSON.stringify(lines)).not.toContain("hunter2");
});

test("the caller's mistake is answered as the app words it, and is no fault", async () => {
  const { result, lines } = await run(() => Promise.reject(new AppError("TooLarge", "too long")));

  expect(result.statusCode).toBe(413);
  expect(JSON.parse(result.body ?? "")).toMatchObject({ code: "TooLarge", detail: "too long" });
  expect(lines.map((line) => line.level)).not.toContain("fault");
});
