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

/** A text as Python's repr() shows it. */
export function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replace(/[\\\n\r\t]/g, (unit) => ({ "\\": "\\\\", "\n": "\\n", "\r": "\\r" })[unit] ?? "\\t");
  return quote + (quote === "'" ? inner.replaceAll("'", "\\'") : inner) + quote;
}

/** JSON as Python writes it, which is what clients compare with: `", "` between entries, `": "` after names, and ASCII only. */
export function asPython(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asPython).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, each]) => `${asPython(name)}: ${asPython(each)}`);
    return `{${fields.join(", ")}}`;
  }
  return (JSON.stringify(value) ?? "null").replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function invalidValue(path: string, value: unknown, message: string): AppError {
  return invalid(`Invalid value ${shown(value)} for parameter '${path}' supplied: ${message}`);
}

const SHOWN_CHARS = 10_000;

/** A value as JSON; cut, and nothing of one that is nested deeper than can be written. */
function shown(value: unknown): string {
  try {
    const text = asPython(value);
    return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
  } catch (error) {
    if (error instanceof RangeError) return "…";
    throw error;
  }
}

export function tooLong(path: string, limit: number): AppError {
  return invalid(`'${path}' exceeds the maximum length of ${limit} characters`);
}

export function notFound(message: string): AppError {
  return new AppError("NotFound", message);
}
