import type { Json } from "../call.ts";
import type { Difference, Pair } from "../compare.ts";

/** A difference that is known, and why it stays. */
export interface Explanation {
  readonly id: string;
  readonly what: string;
  readonly why: string;
  /** Whether this one place of this one pair is it. */
  matches(difference: Difference, pair: Pair): boolean;
  /** The servers may keep different things afterwards: the sequence ends here. */
  readonly parts?: boolean;
}

interface Refusal {
  readonly code: string;
  readonly message: string;
}

export function refusal(body: Json): Refusal {
  const { error_code, message } = (typeof body === "object" && body !== null ? body : {}) as { [name: string]: Json };
  return { code: String(error_code ?? ""), message: String(message ?? "") };
}

/** Of an error both answer with the same status and code, the words differ. */
export function onlyWords({ at }: Difference, pair: Pair, fits: (theirs: string, ours: string) => boolean): boolean {
  const [theirs, ours] = [refusal(pair.theirs.body), refusal(pair.ours.body)];
  return (
    at === "body.message" &&
    pair.theirs.status === pair.ours.status &&
    theirs.code === ours.code &&
    fits(theirs.message, ours.message)
  );
}

interface Sides {
  readonly theirs: number | readonly number[];
  readonly ours: number | readonly number[];
  readonly path: RegExp;
  /** What MLflow's message says; absent where it answers well. */
  readonly says?: RegExp;
  /** What our message says. */
  readonly tells?: RegExp;
}

/** Every place of a pair whose statuses and messages are these. */
export function pairIs({ theirs, ours, path, says, tells }: Sides): Explanation["matches"] {
  return (_, pair) =>
    [theirs].flat().includes(pair.theirs.status) &&
    [ours].flat().includes(pair.ours.status) &&
    path.test(pair.call.path) &&
    (says === undefined || says.test(refusal(pair.theirs.body).message)) &&
    (tells === undefined || tells.test(refusal(pair.ours.body).message));
}

export const SEARCH = /\/search$/;
export const WRONG_TYPE =
  /^Invalid value .* for parameter '.*' supplied: (?: Hint: Value was of type|It must be one of)|^Malformed request/s;
export const MISSING = /^Missing value for required parameter '(.+)'/;

const SUBJECTS: readonly (readonly [subject: string, words: RegExp])[] = [
  [
    "filter",
    /^Invalid (clause|comparison|comparator|attribute|entity|filter|order)|^Invalid value for numeric|order_by|^Expected|^Only|^While|IS NULL/,
  ],
  ["token", /page token/],
  ["dataset", /^Both dataset_name/],
  ["source", /^Invalid model version source|^'source' cannot|^Registered model alias \S+ not found/],
  ["alias", /^Invalid alias name|alias name/],
  ["version", /^Parameter 'version'/],
  ["stage", /^Invalid Model Version stage/],
  ["experiment", /^Invalid experiment ID/],
  ["name", /^Invalid model name/],
  ["sql", /\(sqlite3\./],
  ["batch", /^A batch logging|^Batched logging/],
  ["data", /^Request must specify/],
  ["path", /^Artifact path must/],
  ["page", /max_results/],
];

/** What a refusal is about. */
export function subject(message: string): string {
  const known = SUBJECTS.find(([, words]) => words.test(message))?.[0];
  return known ?? /parameter '?([\w.[\]]+)/.exec(message)?.[1] ?? /^'?([\w.[\] ]+)'? exceeds/.exec(message)?.[1] ?? "";
}
