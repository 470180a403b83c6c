import type { JobStatus } from "./jobs.ts";

// Words without schemas: programs that start in milliseconds use them without loading zod.

export const FINAL_STATUSES: readonly JobStatus[] = ["Completed", "Failed", "Canceled"];
/** Name of the log that holds what the command wrote, stdout and stderr in order. */
export const STD_LOG = "user_logs/std_log.txt";
/** Name of the log of the image's build, where jobs run in images. */
export const BUILD_LOG = "azureml-logs/20_image_build_log.txt";
/** Name of the log that holds preparation: snapshot, inputs, environment build. */
export const SYSTEM_LOG = "system_logs/lifecycler.log";
/** Types of values that are text in a command, not files. */
export const LITERAL_TYPES = ["string", "number", "integer", "boolean"] as const;

export function isLiteral(type: string | undefined): type is (typeof LITERAL_TYPES)[number] {
  return (LITERAL_TYPES as readonly (string | undefined)[]).includes(type);
}

export const DEFAULT_WORKSPACE = "default";

/** Tags of models that were registered as one group: the group's name, and which part of the data a model is about. */
export const GROUP_TAG = "trainyard.group";
export const PARTITION_TAG = "trainyard.partition";
