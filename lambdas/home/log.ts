import type { Log } from "../../src/home/part.ts";
import { withSourceLines } from "./source-lines.ts";

/** One JSON object a line on the stream that the service keeps. Not by `console`: the runtime puts words before what it prints, and metrics are made of whole lines only. */
export function makeLog(): Log {
  const write = (level: string, message: string, about: Readonly<Record<string, unknown>>): void => {
    process.stdout.write(`${JSON.stringify({ level, message, ...about })}\n`);
  };
  return {
    info: (message, about = {}) => write("info", message, about),
    fault: (message, error, about = {}) => write("fault", message, { ...about, error: describe(error) }),
  };
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  return { name, message, stack: withSourceLines(stack), ...(cause === undefined ? {} : { cause: describe(cause) }) };
}
