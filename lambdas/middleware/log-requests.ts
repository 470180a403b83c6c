import type { MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { TELEMETRY } from "../../src/contract/telemetry.ts";
import type { Log } from "../../src/home/part.ts";

type Api = MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

const { namespace, latency, faults, refusals, coldStarts } = TELEMETRY;
const METRICS = [
  { Name: latency, Unit: "Milliseconds" },
  ...[faults, refusals, coldStarts].map((Name) => ({ Name, Unit: "Count" })),
];

/**
 * One line a request: what was asked, what came of it, how long it took. Never a header or a body.
 * The service makes its metrics from the same line (CloudWatch's embedded metric format). Used before `answerFaults`, so that what that answers is seen.
 */
export function logRequests(log: Log, { stage }: { readonly stage: string }): Api {
  const started = new WeakMap<object, number>();
  let isCold = true;
  const write: NonNullable<Api["after"]> = ({ event, context, response }) => {
    const { method, path } = event.requestContext.http;
    const status = response?.statusCode ?? 500;
    log.info("request", {
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [["stage"]], Metrics: METRICS }],
      },
      stage,
      method,
      path,
      status,
      [latency]: Math.round(performance.now() - (started.get(event) ?? performance.now())),
      [faults]: status >= 500 ? 1 : 0,
      [refusals]: status >= 400 && status < 500 ? 1 : 0,
      [coldStarts]: isCold ? 1 : 0,
      requestId: response?.headers?.["x-request-id"],
      invocation: context.awsRequestId,
    });
    isCold = false;
  };
  return {
    before: ({ event }) => {
      started.set(event, performance.now());
    },
    after: write,
    onError: write,
  };
}
