import type { Log } from "../../src/home/part.ts";

/** One JSON object a line on the streams that the service keeps. */
export function makeLog(): Log {
  const line = (level: string, message: string, about: Readonly<Record<string, unknown>>) =>
    JSON.stringify({ level, message, ...about });
  return {
    info: (message, about = {}) => console.log(line("info", message, about)),
    fault: (message, error, about = {}) => console.error(line("fault", message, { ...about, error: describe(error) })),
  };
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  return { name, message, stack, ...(cause === undefined ? {} : { cause: describe(cause) }) };
}
