import { LambdaClient } from "@aws-sdk/client-lambda";
import { openInvoker } from "../src/adapters/aws/lambda-host/invoke.ts";
import type { HttpEvent } from "../src/contract/replica.ts";
import { openCallers } from "./home/callers.ts";
import { answerScoring } from "./home/score.ts";

const callers = openCallers(process.env);
// A request may have had an effect: it is not sent twice.
const invoker = openInvoker(new LambdaClient({ maxAttempts: 1 }));

/** Answers the endpoints' scoring address. */
export const handler = awslambda.streamifyResponse<HttpEvent, void>((event, out) =>
  answerScoring({ ...callers, invoker }, event, out),
);
