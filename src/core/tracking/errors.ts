import { AppError } from "../../contract/errors.ts";

/** MLflow's error code where it is not the one our code stands for (`details.mlflow`, read by the MLflow routes only). */
export function invalid(message: string, mlflow?: "BAD_REQUEST" | "INVALID_STATE"): AppError {
  return new AppError("InvalidArgument", message, mlflow === undefined ? {} : { mlflow });
}

export function missing(path: string): AppError {
  return invalid(
    `Missing value for required parameter '${path}'. See the API docs for more information about request parameters.`,
  );
}

export function invalidValue(path: string, value: unknown, message: string): AppError {
  return invalid(`Invalid value ${JSON.stringify(value)} for parameter '${path}' supplied: ${message}`);
}

export function tooLong(path: string, limit: number): AppError {
  return invalid(`'${path}' exceeds the maximum length of ${limit} characters`);
}

export function notFound(message: string): AppError {
  return new AppError("NotFound", message);
}
