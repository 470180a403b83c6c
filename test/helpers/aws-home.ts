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

/** What the AWS home's function answers over a test's own ground. */
export function handleAsAws(ground: Ground): (request: ApiRequest) => Promise<Response> {
  const { handle } = compose(ground, SETTINGS);
  return async (request) => toResponse(await handle(request));
}
