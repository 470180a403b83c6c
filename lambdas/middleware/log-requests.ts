import type { MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { Log } from "../../src/home/part.ts";

type Api = MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

/** One line a request: what was asked, what came of it, how long it took. Never a header or a body. */
export function logRequests(log: Log): Api {
  const started = new WeakMap<object, number>();
  return {
    before: ({ event }) => {
      started.set(event, performance.now());
    },
    after: ({ event, context, response }) => {
      const { method, path } = event.requestContext.http;
      log.info("request", {
        method,
        path,
        status: response?.statusCode,
        ms: Math.round(performance.now() - (started.get(event) ?? performance.now())),
        requestId: response?.headers?.["x-request-id"],
        invocation: context.awsRequestId,
      });
    },
  };
}
