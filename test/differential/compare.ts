import type { Call, Json } from "./call.ts";
import type { Answer } from "./normalize.ts";

/** One place where two answers differ; `undefined` is what is not there. */
export interface Difference {
  /** Such as `status`, `body.run.info.user_id`, `body.runs[2].data.metrics[0].value`, `headers.content-type`. */
  readonly at: string;
  readonly theirs: Json | undefined;
  readonly ours: Json | undefined;
}

/** What an explanation looks at: the call and both answers whole. */
export interface Pair {
  readonly call: Call;
  /** The calls of the sequence before it. */
  readonly before: readonly Call[];
  /** The call with its references filled as MLflow got them, before normalizing. */
  readonly theirs: Answer;
  readonly ours: Answer;
}

/** Places where the answers differ, in order; lists of different length differ as a whole. */
export function differences(theirs: Answer, ours: Answer): Difference[] {
  const found: Difference[] = [];
  walk(theirs as unknown as Json, ours as unknown as Json, "", found);
  return found;
}

function walk(theirs: Json | undefined, ours: Json | undefined, at: string, found: Difference[]): void {
  if (theirs === ours) return;
  if (isObject(theirs) && isObject(ours)) {
    for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)]))
      walk(theirs[key], ours[key], at === "" ? key : `${at}.${key}`, found);
    return;
  }
  if (Array.isArray(theirs) && Array.isArray(ours) && theirs.length === ours.length) {
    theirs.forEach((each: Json, i) => {
      walk(each, ours[i] as Json, `${at}[${i}]`, found);
    });
    return;
  }
  found.push({ at, theirs, ours });
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
