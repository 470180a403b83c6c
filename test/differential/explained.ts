import type { Difference, Pair } from "./compare.ts";
import { artifacts } from "./explained/artifacts.ts";
import type { Explanation } from "./explained/match.ts";
import { registry } from "./explained/registry.ts";
import { search } from "./explained/search.ts";
import { tracking } from "./explained/tracking.ts";
import { wire } from "./explained/wire.ts";

/** Every difference from MLflow that is known and stays; of several that fit a place the first is it. */
export const EXPLANATIONS: readonly Explanation[] = [...search, ...tracking, ...registry, ...artifacts, ...wire];

export function explain(
  pair: Pair,
  found: readonly Difference[],
): { readonly explained: readonly Explanation[]; readonly unexplained: readonly Difference[] } {
  const explained: Explanation[] = [];
  const unexplained: Difference[] = [];
  for (const difference of found) {
    const known = EXPLANATIONS.find((each) => each.matches(difference, pair));
    if (known === undefined) unexplained.push(difference);
    else if (!explained.includes(known)) explained.push(known);
  }
  return { explained, unexplained };
}
