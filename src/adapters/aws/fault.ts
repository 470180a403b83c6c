import { AppError } from "../../contract/errors.ts";

/** The name AWS gives an error (`NoSuchKey`), or "". */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** HTTP status of an AWS error, or 0. */
export function statusOf(error: unknown): number {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata;
  return metadata?.httpStatusCode ?? 0;
}

/** How often the SDK sent the request that came to this; 1 where it does not say. */
export function attemptsOf(error: unknown): number {
  const metadata = (error as { $metadata?: { attempts?: number } } | undefined)?.$metadata;
  return metadata?.attempts ?? 1;
}

/** Another try later may work. */
export function isPassing(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return (
    /Throttl|SlowDown|TooManyRequests|RequestLimit|ProvisionedThroughput|ServiceUnavailable|Timeout|InternalServerError|InternalError/.test(
      nameOf(error),
    ) ||
    (typeof code === "string" && /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EAI_AGAIN)$/.test(code)) ||
    [500, 502, 503, 504].includes(statusOf(error))
  );
}

/** Throws AppError("Unavailable") for what the SDK gave up repeating, the error itself otherwise. */
export function rethrowFrom(service: string): (error: unknown) => never {
  return (error) => {
    if (isPassing(error)) {
      throw new AppError("Unavailable", `${service} is throttled or out of reach; try again`, {}, { cause: error });
    }
    throw error;
  };
}
