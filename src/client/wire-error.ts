import { AppError, ERRORS, type ErrorCode } from "../contract/errors.ts";
import type { Problem } from "../contract/problem.ts";
import type { WireResponse } from "./transport.ts";

/** The error a response tells: ours from problem+json, else one named after the status. `details.status` is the HTTP status. */
export async function errorOf(response: WireResponse, about: string): Promise<AppError> {
  const text = await response.text().catch(() => "");
  const problem = problemOf(text);
  if (problem === undefined) {
    return new AppError(codeOf(response.status), `${about} was answered with HTTP status ${response.status}`, {
      status: response.status,
      ...(text.trim() === "" ? {} : { answer: text.slice(0, 500) }),
    });
  }
  const { code, detail, hint, details, request_id: requestId } = problem;
  return new AppError(code, detail, {
    ...details,
    status: response.status,
    ...(hint === undefined ? {} : { hint }),
    ...(requestId === undefined ? {} : { request_id: requestId }),
  });
}

function problemOf(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return value !== null &&
      typeof value === "object" &&
      typeof value.detail === "string" &&
      String(value.code) in ERRORS
      ? (value as Problem)
      : undefined;
  } catch {
    return undefined;
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 502 || status === 503) return "Unavailable";
  if (status >= 300 && status < 400) return "Unavailable";
  const found = (Object.keys(ERRORS) as ErrorCode[]).find((code) => ERRORS[code].status === status);
  return found ?? (status >= 500 ? "Internal" : "InvalidArgument");
}

/** No response came: connection refused, reset, timed out. `details.cause` is the system's code. */
export function unreachable(cause: unknown, url: string): AppError {
  const code = systemCode(cause);
  const origin = originOf(url);
  const message =
    code === "ECONNREFUSED"
      ? `nothing listens at \`${origin}\``
      : `no answer from \`${origin}\`: ${code ?? (cause instanceof Error ? cause.message : String(cause))}`;
  return new AppError("Unavailable", message, code === undefined ? {} : { cause: code }, { cause });
}

function systemCode(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return undefined;
}

function originOf(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    return url;
  }
}
