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

/** Throws AppError("Unavailable") for what the SDK gave up repeating, the error itself otherwise. */
export function rethrowFrom(service: string): (error: unknown) => never {
  return (error) => {
    if (/Throttl|SlowDown|TooManyRequests|RequestLimit|ServiceUnavailable/.test(nameOf(error))) {
      throw new AppError("Unavailable", `${service} is throttled; try again`, {}, { cause: error });
    }
    throw error;
  };
}
