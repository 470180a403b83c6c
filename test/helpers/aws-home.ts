import { compose } from "../../lambdas/home/compose.ts";
import type { ApiRequest } from "../../src/api/raw-route.ts";
import { toResponse } from "../../src/api/reply.ts";
import type { Ground } from "../../src/home/part.ts";

/** A function's settings where it has no queue, makes no images and starts no jobs. */
const SETTINGS = {
  bucketName: "bucket",
  images: undefined,
  queueUrl: "",
  training: undefined,
  runner: undefined,
  hasOneEndpoint: false,
} as Parameters<typeof compose>[1];

/** What the AWS home's functions are over a test's own ground. */
export function composeAsAws(ground: Ground): ReturnType<typeof compose> {
  return compose(ground, SETTINGS);
}

/** What its function of the API answers. */
export function handleAsAws(ground: Ground): (request: ApiRequest) => Promise<Response> {
  const { handle } = composeAsAws(ground);
  return async (request) => toResponse(await handle(request));
}
