import middy from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { compose } from "./home/compose.ts";
import { openGround } from "./home/ground.ts";
import { readSettings } from "./home/settings.ts";
import { answerFaults } from "./middleware/answer-faults.ts";
import { carries, toRequest, toResult } from "./middleware/http.ts";
import { logRequests } from "./middleware/log-requests.ts";

const settings = readSettings(process.env);
const ground = openGround(settings);
const home = compose({ ...ground, carries }, settings);

/** Answers the HTTP API, every route of it. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(logRequests(ground.log, settings))
  .use(answerFaults(ground.log))
  .handler(async (event) => toResult(await home.handle(toRequest(event)), event));
