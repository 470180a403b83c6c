import type { MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { problemResponse } from "../../src/api/problem.ts";
import { isAppError } from "../../src/contract/errors.ts";
import type { Log } from "../../src/home/part.ts";
import { toResult } from "./http.ts";

type Api = MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

/** What fails before or after the app itself, which never throws, is worded as the app words it. */
export function answerFaults(log: Log): Api {
  return {
    onError: async (request) => {
      const { error, event, context } = request;
      if (!isAppError(error))
        log.fault("a request failed outside the app", error, { invocation: context.awsRequestId });
      request.response = await toResult(problemResponse(error, context.awsRequestId), event);
    },
  };
}
