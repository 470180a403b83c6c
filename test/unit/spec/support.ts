import { memoryReader } from "../../../src/spec/paths.ts";
import { type FileReport, validateFile } from "../../../src/spec/validate.ts";

/** Validates `spec.yml` with other files beside it. */
export function validate(text: string, kind?: string, files: Record<string, string> = {}): FileReport {
  const reader = memoryReader({ ...files, "spec.yml": text });
  return validateFile(reader, "spec.yml", kind === undefined ? {} : { kind });
}

/** Errors as `line:column field: message`, to be read at a glance. */
export function errorsOf(report: FileReport): string[] {
  return report.errors.map((error) => `${error.line}:${error.column} ${error.field}: ${error.message}`);
}

export const ENVIRONMENT = "environment:\n  image: python:3.12\n";
export const COMMAND_JOB = `command: echo hi\n${ENVIRONMENT}`;
