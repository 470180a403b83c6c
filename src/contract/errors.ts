/** Every error a caller can meet: HTTP status, exit code of `yard`, and whether the same call may be tried again. */
export const ERRORS = {
  InvalidArgument: { status: 400, exit: 2, retry: false },
  InvalidSpec: { status: 400, exit: 2, retry: false },
  InvalidCursor: { status: 400, exit: 2, retry: false },
  InvalidPath: { status: 400, exit: 2, retry: false },
  InvalidRange: { status: 416, exit: 2, retry: false },
  NotSupported: { status: 400, exit: 2, retry: false },
  Unauthenticated: { status: 401, exit: 3, retry: false },
  Forbidden: { status: 403, exit: 3, retry: false },
  NotFound: { status: 404, exit: 4, retry: false },
  MethodNotAllowed: { status: 405, exit: 2, retry: false },
  NotAcceptable: { status: 406, exit: 2, retry: false },
  AlreadyExists: { status: 409, exit: 5, retry: false },
  Conflict: { status: 409, exit: 5, retry: false },
  InUse: { status: 409, exit: 5, retry: false },
  PreconditionFailed: { status: 412, exit: 5, retry: false },
  TooLarge: { status: 413, exit: 2, retry: false },
  UnsupportedMediaType: { status: 415, exit: 2, retry: false },
  TooManyRequests: { status: 429, exit: 6, retry: true },
  EnvironmentBuildFailed: { status: 422, exit: 7, retry: false },
  JobFailed: { status: 422, exit: 1, retry: false },
  DeploymentFailed: { status: 422, exit: 7, retry: false },
  DatastoreUnreachable: { status: 422, exit: 7, retry: true },
  StorageFull: { status: 507, exit: 7, retry: true },
  Unavailable: { status: 503, exit: 6, retry: true },
  Timeout: { status: 504, exit: 6, retry: true },
  Internal: { status: 500, exit: 70, retry: true },
} as const satisfies Record<string, { status: number; exit: number; retry: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * The one error class. `message` says what failed, on which id; `details.hint` what to do.
 * `instanceof` does not survive a process border, `code` does.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "AppError";
    this.code = code;
    this.details = details;
  }
}

/** True for our errors, also those rebuilt from the wire. */
export function isAppError(error: unknown): error is AppError {
  return error instanceof Error && error.name === "AppError" && "code" in error && String(error.code) in ERRORS;
}
