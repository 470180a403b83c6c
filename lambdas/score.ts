import { LambdaClient } from "@aws-sdk/client-lambda";
import { openInvoker } from "../src/adapters/aws/lambda-host/invoke.ts";
import type { HttpEvent } from "../src/contract/replica.ts";
import { openCallers } from "./home/callers.ts";
import { answerScoring } from "./home/score.ts";

const callers = openCallers(process.env);
const invoker = openInvoker(new LambdaClient({}));

/** Answers the endpoints' scoring address. */
export const handler = awslambda.streamifyResponse<HttpEvent, void>((event, out) =>
  answerScoring({ ...callers, invoker }, event, out),
);
