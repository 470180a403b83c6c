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

/** Both refuse with 400 and INVALID_PARAMETER_VALUE, the words differ. */
export function refusedAlike(
  difference: Difference,
  pair: Pair,
  fits: (theirs: string, ours: string) => boolean,
): boolean {
  return (
    pair.theirs.status === 400 &&
    refusal(pair.theirs.body).code === "INVALID_PARAMETER_VALUE" &&
    onlyWords(difference, pair, fits)
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

/** The page token is one that each server gave for this very search a call before: neither may refuse it. */
export function isOwnPage({ call, before }: Pair): boolean {
  return call.path === before.at(-1)?.path && /"\{token#0\}"/.test(JSON.stringify([call.query ?? [], call.body ?? {}]));
}
