import { type AppError, ERRORS, isAppError } from "../contract/errors.ts";
import type { Problem } from "../contract/problem.ts";

/** An error as problem+json. What is not ours is `Internal` and says nothing of its inside. */
export function problemResponse(error: unknown, requestId: string): Response {
  const { status, body } = problemOf(error, requestId);
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="trainyard"';
  if (ERRORS[body.code].retry && status !== 500) headers["retry-after"] = "1";
  if (isAppError(error) && typeof error.details.allow === "string") headers.allow = error.details.allow;
  return new Response(JSON.stringify(body), { status, headers });
}

export function problemOf(error: unknown, requestId: string): { status: number; body: Problem } {
  if (!isAppError(error))
    return {
      status: 500,
      body: {
        ...base("Internal", requestId),
        detail: "the server failed on this request; its log has the cause under the request id",
      },
    };
  return { status: ERRORS[error.code].status, body: describe(error, requestId) };
}

function base(code: AppError["code"], requestId: string) {
  return {
    type: `urn:trainyard:error:${code}`,
    title: code.replace(/(?<!^)([A-Z])/g, " $1").toLowerCase(),
    status: ERRORS[code].status,
    code,
    request_id: requestId,
  };
}

function describe(error: AppError, requestId: string): Problem {
  const { hint, ...details } = error.details;
  const problem: Problem = { ...base(error.code, requestId), detail: error.message };
  if (typeof hint === "string") problem.hint = hint;
  if (Object.keys(details).length > 0) problem.details = details;
  return problem;
}
