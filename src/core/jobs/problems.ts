import { AppError, type ErrorCode, isAppError } from "../../contract/errors.ts";

/** One thing wrong with a submitted job. */
export interface Problem {
  readonly field: string;
  readonly message: string;
  readonly hint?: string;
  /** Kept for a job whose only problem it is; default InvalidSpec. */
  readonly code?: ErrorCode;
}

/** Gathers what is wrong and what is only worth saying, so that a person sees all of it at once. */
export interface Findings {
  readonly problems: Problem[];
  readonly warnings: string[];
}

export function makeFindings(): Findings {
  return { problems: [], warnings: [] };
}

/** Runs one check; an error that is the caller's becomes a problem of `field`. */
export async function check<T>(findings: Findings, field: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!isAppError(error) || error.code === "Internal" || error.code === "Unavailable") throw error;
    const { hint } = error.details;
    const said = { field, message: error.message, code: error.code };
    findings.problems.push(typeof hint === "string" ? { ...said, hint } : said);
    return undefined;
  }
}

/** Throws when there are problems: with the code of the only one, else as InvalidSpec. */
export function refuse(problems: readonly Problem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const code = problems.length === 1 ? (first.code ?? "InvalidSpec") : "InvalidSpec";
  const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  const errors = problems.map(({ field, message, hint }) => ({
    field,
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
  const hint = first.hint === undefined ? {} : { hint: first.hint };
  throw new AppError(code, `field \`${first.field}\`: ${first.message}${more}`, { errors, ...hint });
}
