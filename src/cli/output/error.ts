import { isAppError } from "../../contract/errors.ts";

interface Complaint {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly field?: string;
  readonly message: string;
  readonly hint?: string;
}

/** An error for stderr: `error: …`, the places in files it comes from, `hint: …`; as one JSON object when the format is JSON. */
export function errorText(
  error: unknown,
  how: { readonly json: boolean; readonly debug: boolean; readonly color: boolean },
): string {
  if (!isAppError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    if (how.json) return `${JSON.stringify({ error: { code: "Internal", message } })}\n`;
    const trace = error instanceof Error ? error.stack : undefined;
    return `${head(how.color)} ${how.debug ? (trace ?? message) : message}\nhint: this is a fault of yard; \`--debug\` shows where\n`;
  }
  const { hint, ...details } = error.details;
  if (how.json) {
    const body = { code: error.code, message: error.message, ...(hint === undefined ? {} : { hint }), details };
    return `${JSON.stringify({ error: body })}\n`;
  }
  const places = complaints(details.errors).map((complaint) => `  ${placeText(complaint)}\n`);
  const only = places.length === 1 && error.message.includes(complaints(details.errors)[0]?.message ?? "\0");
  return [
    `${head(how.color)} ${error.message}\n`,
    ...(only ? [] : places),
    typeof details.answer === "string" ? `${details.answer.trimEnd()}\n` : "",
    typeof hint === "string" ? `hint: ${hint}\n` : "",
    how.debug && typeof details.request_id === "string" ? `request: ${details.request_id}\n` : "",
    how.debug ? `${error.stack ?? ""}\n` : "",
  ].join("");
}

function head(color: boolean): string {
  return color ? "\u001b[31merror:\u001b[0m" : "error:";
}

function complaints(value: unknown): readonly Complaint[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Complaint => typeof item === "object" && item !== null && "message" in item);
}

/** `job.yml:3:8: inputs.lr: is not a number (did you mean …)`. */
export function placeText({ file, line, column, field, message, hint }: Complaint): string {
  const place = file === undefined ? "" : `${[file, line, column].filter((part) => part !== undefined).join(":")}: `;
  const where = field === undefined || field === "" ? "" : `${field}: `;
  return `${place}${where}${message}${hint === undefined ? "" : ` (${hint})`}`;
}
