import { type ErrorCode, isAppError } from "../../contract/errors.ts";

/** Our code -> MLflow's name and HTTP status. */
const CODES: Readonly<Record<ErrorCode, readonly [name: string, status: number]>> = {
  InvalidArgument: ["INVALID_PARAMETER_VALUE", 400],
  InvalidSpec: ["INVALID_PARAMETER_VALUE", 400],
  InvalidCursor: ["INVALID_PARAMETER_VALUE", 400],
  InvalidPath: ["INVALID_PARAMETER_VALUE", 400],
  InvalidRange: ["INVALID_PARAMETER_VALUE", 416],
  NotSupported: ["NOT_IMPLEMENTED", 501],
  Unauthenticated: ["UNAUTHENTICATED", 401],
  Forbidden: ["PERMISSION_DENIED", 403],
  NotFound: ["RESOURCE_DOES_NOT_EXIST", 404],
  MethodNotAllowed: ["ENDPOINT_NOT_FOUND", 405],
  NotAcceptable: ["BAD_REQUEST", 400],
  AlreadyExists: ["RESOURCE_ALREADY_EXISTS", 400],
  Conflict: ["RESOURCE_CONFLICT", 409],
  InUse: ["RESOURCE_CONFLICT", 409],
  PreconditionFailed: ["RESOURCE_CONFLICT", 409],
  TooLarge: ["INVALID_PARAMETER_VALUE", 400],
  UnsupportedMediaType: ["INVALID_PARAMETER_VALUE", 400],
  TooManyRequests: ["REQUEST_LIMIT_EXCEEDED", 429],
  EnvironmentBuildFailed: ["INVALID_PARAMETER_VALUE", 400],
  JobFailed: ["INVALID_PARAMETER_VALUE", 400],
  DeploymentFailed: ["INVALID_PARAMETER_VALUE", 400],
  DatastoreUnreachable: ["TEMPORARILY_UNAVAILABLE", 503],
  StorageFull: ["TEMPORARILY_UNAVAILABLE", 503],
  Unavailable: ["TEMPORARILY_UNAVAILABLE", 503],
  Timeout: ["DEADLINE_EXCEEDED", 504],
  Internal: ["INTERNAL_ERROR", 500],
};

const INVALID = { sqlstate: "KAM00", error_class: "INVALID_PARAMETER_VALUE" };
const FAULT = { sqlstate: "XXM00", error_class: "CLIENT_INTERNAL_ERROR" };

/** MLflow's name -> how its dashboards sort the error; names of other kinds have none. */
const CLASSES: Readonly<Record<string, { readonly sqlstate: string; readonly error_class: string }>> = {
  INVALID_PARAMETER_VALUE: INVALID,
  BAD_REQUEST: INVALID,
  RESOURCE_DOES_NOT_EXIST: { ...INVALID, error_class: "RESOURCE_NOT_FOUND" },
  ENDPOINT_NOT_FOUND: { ...INVALID, error_class: "RESOURCE_NOT_FOUND" },
  RESOURCE_ALREADY_EXISTS: { ...INVALID, error_class: "RESOURCE_ALREADY_EXISTS" },
  PERMISSION_DENIED: { ...INVALID, error_class: "PERMISSION_DENIED" },
  INTERNAL_ERROR: FAULT,
  INVALID_STATE: FAULT,
  TEMPORARILY_UNAVAILABLE: FAULT,
};

/** Errors as MLflow's clients read them. What is not ours says nothing of its inside. */
export function mlflowError(error: unknown): Response {
  const [code, status] = isAppError(error) ? CODES[error.code] : CODES.Internal;
  const own = isAppError(error) ? error.details.mlflow : undefined;
  const name = typeof own === "string" ? own : code;
  const message =
    isAppError(error) && error.code !== "Internal"
      ? error.message
      : "the server failed on this request; its log has the cause";
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  if (status === 401) headers["www-authenticate"] = 'Basic realm="mlflow"';
  if (status === 429 || status === 503) headers["retry-after"] = "1";
  return new Response(JSON.stringify({ error_code: name, message, ...CLASSES[name] }), {
    status: name === "INVALID_STATE" ? 500 : status,
    headers,
  });
}
