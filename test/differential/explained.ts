import type { Difference, Pair } from "./compare.ts";
import { artifacts } from "./explained/artifacts.ts";
import { isUntrue } from "./explained/claims.ts";
import { filterWords } from "./explained/filters.ts";
import { type Explanation, refusal } from "./explained/match.ts";
import { registry } from "./explained/registry.ts";
import { search } from "./explained/search.ts";
import { tracking } from "./explained/tracking.ts";
import { wire } from "./explained/wire.ts";

/** Every difference from MLflow that is known and stays; of several that fit a place the first is it. */
export const EXPLANATIONS: readonly Explanation[] = [
  ...search,
  ...filterWords,
  ...tracking,
  ...registry,
  ...artifacts,
  ...wire,
];

/** A rule that explained something of a pair, and the first place it did. */
export interface Met {
  readonly rule: Explanation;
  readonly pair: Pair;
  readonly difference: Difference;
}

export function explain(
  pair: Pair,
  found: readonly Difference[],
): { readonly explained: readonly Met[]; readonly unexplained: readonly Difference[] } {
  const explained = new Map<Explanation, Met>();
  const unexplained: Difference[] = [];
  const isWrongRefusal = pair.theirs.status !== 400 && isUntrue(refusal(pair.ours.body).message, pair.call);
  for (const difference of found) {
    const rule = isWrongRefusal ? undefined : EXPLANATIONS.find((each) => each.matches(difference, pair));
    if (rule === undefined) unexplained.push(difference);
    else if (!explained.has(rule)) explained.set(rule, { rule, pair, difference });
  }
  return { explained: [...explained.values()], unexplained };
}
