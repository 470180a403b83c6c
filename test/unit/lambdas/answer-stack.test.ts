import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { CloudFormationCustomResourceEvent } from "aws-lambda";
import { expect, onTestFinished, test } from "vitest";
import { answerStack } from "../../../lambdas/middleware/answer-stack.ts";

/** What CloudFormation is told. */
async function told(work: () => Promise<string>, status = 200): Promise<Record<string, unknown>> {
  let body = "";
  const server = createServer(async (request, response) => {
    for await (const chunk of request) body += chunk;
    response.writeHead(status).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const event = {
    RequestType: "Delete",
    ResponseURL: `http://127.0.0.1:${port}/`,
    StackId: "stack",
    RequestId: "request",
    LogicalResourceId: "Drained",
  } as CloudFormationCustomResourceEvent;
  await answerStack(event, "drain-yard", work);
  return JSON.parse(body);
}

test("a stack is told what was done", async () => {
  expect(await told(async () => "kept: nothing")).toEqual({
    Status: "SUCCESS",
    Reason: "kept: nothing",
    PhysicalResourceId: "drain-yard",
    StackId: "stack",
    RequestId: "request",
    LogicalResourceId: "Drained",
  });
});

test("a stack is told why something failed, in as many words as it reads", async () => {
  const answer = await told(() => Promise.reject(new Error(`still going away: ${"q".repeat(2000)}`)));

  expect(answer).toMatchObject({ Status: "FAILED", Reason: expect.stringMatching(/^still going away: q+$/) });
  expect(String(answer.Reason)).toHaveLength(1000);
});

test("an answer that is not taken is an error", async () => {
  await expect(told(async () => "", 403)).rejects.toThrow("with 403");
});
