import type { EnvironmentSpec } from "../contract/environments.ts";
import { isAppError } from "../contract/errors.ts";
import { prepareEnvironment } from "./environment/prepare.ts";
import { environmentRef } from "./environment/use.ts";

/** One line of JSON on stdin: what `runner build-environment` does. Its answer is the last line on stdout, after the log. */
export interface BuildRequest {
  readonly spec: EnvironmentSpec;
  readonly cacheDir: string;
}

/** Log text and result share stdout; each line is one of these as JSON. */
export type BuildLine =
  | { readonly log: string }
  | {
      readonly result: {
        readonly hash: string;
        readonly ref: string;
        readonly cached: boolean;
        readonly notes: readonly string[];
      };
    }
  | {
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly details: Readonly<Record<string, unknown>>;
      };
    };

export async function buildEnvironment(input: string, write: (line: string) => void): Promise<number> {
  const say = (line: BuildLine) => write(`${JSON.stringify(line)}\n`);
  try {
    const request = JSON.parse(input) as BuildRequest;
    const prepared = await prepareEnvironment({ ...request, onLog: (log) => say({ log }) });
    say({
      result: {
        hash: prepared.hash,
        ref: environmentRef(prepared),
        cached: prepared.cached,
        notes: prepared.notes,
      },
    });
    return 0;
  } catch (error) {
    const known = isAppError(error);
    say({
      error: {
        code: known ? error.code : "Internal",
        message: error instanceof Error ? error.message : String(error),
        details: known ? error.details : {},
      },
    });
    return 1;
  }
}
