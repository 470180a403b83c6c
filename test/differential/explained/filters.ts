import type { Call } from "../call.ts";
import { valueAt } from "./claims.ts";
import { type Explanation, refusedAlike, SEARCH } from "./match.ts";

/** A sort of fault of a filter or an order_by: how MLflow and ours tell it, each with what it is about in the group `of`. */
interface Sort {
  readonly sort: string;
  readonly theirs: RegExp;
  readonly ours: RegExp;
}

const SORTS: readonly Sort[] = [
  {
    sort: "attribute",
    theirs: /^Invalid attribute key '(?<of>.*?)' specified\. Valid keys/s,
    ours: /^Invalid attribute key '(?<of>.*?)' specified\. Valid keys/s,
  },
  {
    sort: "dataset's key",
    theirs: /^Invalid dataset key '(?<of>.*?)' specified/s,
    ours: /^Invalid dataset key '(?<of>.*?)' specified/s,
  },
  {
    sort: "entity",
    theirs: /^Invalid entity type:? '(?<of>.*?)'\. (Valid|Expected)/s,
    ours: /^Invalid entity type '(?<of>.*?)'\. (Valid|Expected)/s,
  },
  {
    sort: "list of what takes none",
    theirs: /^Only \[(?<of>.*?)\] attributes support comparison with a list/,
    ours: /^Only \[(?<of>.*?)\] attributes support comparison with a list/,
  },
  {
    sort: "null of what is always there",
    theirs: /^IS NULL \/ IS NOT NULL is only supported for tags(?: and params)?, not for .*?'(?<of>[^']*)'$/,
    ours: /^IS NULL \/ IS NOT NULL is only supported for tags and params, not for .*?'(?<of>[^']*)' at position/,
  },
  {
    sort: "null of what is always there",
    theirs: /^Invalid comparison: (?:\w+\.)?(?<of>\S+?) ?IS (?:NOT )?NULL/,
    ours: /^IS NULL \/ IS NOT NULL is only supported for tags and params, not for .*?'(?<of>[^']*)' at position/,
  },
  {
    sort: "number",
    theirs: /^Expected numeric value type for (?:metric|numeric attribute: \w+)\. Found (?<of>.*)$/s,
    ours: /^Expected numeric value type for (?:metric|numeric attribute: \w+)\. Found (?<of>.*) at position/s,
  },
  {
    sort: "quoted text",
    theirs:
      /^(?:Expected a quoted string value.*\. Got value |Parameter value is either not quoted .* used for string value )(?<of>[^(].*?)(?:\. Use either .*)?$/s,
    ours: /^Expected a quoted string value .*\. Got value (?<of>.*) at position/s,
  },
  {
    sort: "quoted text",
    theirs: /^Only the '.*' attributes support comparison with numeric values/s,
    ours: /^Expected a quoted string value .*\. Got value (?<of>[\d.].*) at position/s,
  },
  {
    sort: "list for a tag or param",
    theirs: /^Expected a quoted string value for (?<of>tag|parameter) .* Got value \(/s,
    ours: /^Invalid comparator '(?:NOT )?IN' not one of .* \(for (?<of>tag|parameter) /s,
  },
  {
    sort: "list of texts",
    theirs: /^While parsing a list in the query/,
    ours: /^While parsing a list in the query/,
  },
  {
    sort: "operator",
    theirs: /^Invalid compar(?:ator|ison operator) (?:for .*?: )?'?(?<of>[^']+?)'?(?: not one of|\. Expected|$)/s,
    ours: /^Invalid comparator '(?<of>.*?)' not one of/,
  },
  {
    sort: "several expressions",
    theirs:
      /^(?:Search filter contained multiple expression|Invalid filter string: .* Expected a single SQL expression)/s,
    ours: /^Search filter contained multiple expression/,
  },
  {
    sort: "experiment's id",
    theirs: /^Invalid experiment ID '(?<of>.*)'\. /s,
    ours: /^Invalid experiment ID '(?<of>.*)'\. /s,
  },
  {
    sort: "clause",
    theirs: /^Invalid (?:clause\(s\) in filter string|comparison clause|filter|comparison:)/,
    ours: /^Invalid (?:clause\(s\) in filter string|filter string)/,
  },
  {
    sort: "order",
    theirs: /^Invalid (?:order(?:ing key| ?_?by)|identifier type)/,
    ours: /^Invalid (?:order|clause\(s\) in order_by)|\(in order_by at position|^`order_by` contains duplicate fields/,
  },
];

const strip = (text: string) => text.replace(/^(['"`])(.*)\1$/s, "$2");

/** The sort of a fault, and what it is about; MLflow's words or ours. */
function faultOf(
  message: string,
  whose: "theirs" | "ours",
): { readonly sort: string; readonly of: string } | undefined {
  for (const { sort, [whose]: words } of SORTS) {
    const found = words.exec(message);
    if (found !== null) return { sort, of: strip(found.groups?.of ?? "") };
  }
  return undefined;
}

/** A refusal is about the filter or the order of the call. */
export function isOfFilter(message: string, whose: "theirs" | "ours", call: Call): boolean {
  return (
    SEARCH.test(call.path) &&
    [valueAt(call, "filter"), valueAt(call, "order_by")].some((text) => text !== undefined) &&
    faultOf(message, whose) !== undefined &&
    (whose === "theirs" || isThere(message, call))
  );
}

/** What ours name at a position is what the filter, or a clause of the order, has there. */
function isThere(message: string, call: Call): boolean {
  const [, at] = /at position (\d+)/.exec(message) ?? [];
  if (at === undefined) return true;
  const texts = [valueAt(call, "filter"), valueAt(call, "order_by")].flat().map((text) => filled(String(text ?? "")));
  return texts.some((text) => {
    const rest = text.slice(Number(at));
    return namesIn(filled(message)).some((name) =>
      name === "the end" ? rest === "" : name !== "" && isAt(rest, name),
    );
  });
}

function isAt(rest: string, name: string): boolean {
  const lower = rest.toLowerCase();
  const named = strip(name.toLowerCase());
  const key = lower.replace(/^[`"']?\w+[`"']?\./, "").replace(/^[`"']/, "");
  return (
    lower.startsWith(name.toLowerCase()) ||
    (named !== "" && (lower.replace(/^[`"']/, "").startsWith(named) || key.startsWith(named)))
  );
}

/** What a message of ours has in quotes, and what follows `Found` or `Got value`. */
function namesIn(message: string): string[] {
  return [
    ...[...message.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? ""),
    ...[...message.matchAll(/(?:: |unexpected )'(.*)' at position/gs)].map(([, word = ""]) => word),
    ...[...message.matchAll(/(?:Found|Got value|not for \w+) (.*?) at position/gs)].map(([, value = ""]) => value),
    ...[...message.matchAll(/an unexpected (".*") at position/gs)].map(([, json = '""']) => JSON.parse(json) as string),
    ...(message.includes("a quote that is not closed") ? ["'", '"', "`"] : []),
    ...(message.startsWith("IS NULL") ? ["is"] : []),
    ...(message.startsWith("Only [") ? ["in", "not"] : []),
  ];
}

/** With ids of the lengths that are sent. */
function filled(text: string): string {
  return text
    .replace(/\{run#\d+\}|<run \d+>/g, "f".repeat(32))
    .replace(/\{model#\d+\}|<model \d+>/g, `m-${"f".repeat(32)}`);
}

/** More than one comparison, or an order beside the filter. */
function hasSeveral(call: Call): boolean {
  const isOrdered = JSON.stringify(valueAt(call, "order_by") ?? []) !== "[]";
  return isOrdered || /\band\b/i.test(String(valueAt(call, "filter")));
}

const onFilters = (fits: (theirs: Fault, ours: Fault, own: string, call: Call) => boolean): Explanation["matches"] => {
  return (difference, pair) =>
    SEARCH.test(pair.call.path) &&
    refusedAlike(difference, pair, (theirs, ours) => {
      const [their, own] = [faultOf(theirs, "theirs"), faultOf(ours, "ours")];
      return their !== undefined && own !== undefined && isThere(ours, pair.call) && fits(their, own, ours, pair.call);
    });
};
/** About a list in parentheses or about IN. */
function isOfList({ sort, of }: Fault): boolean {
  return sort.startsWith("list") || (sort === "number" && of.startsWith("(")) || /^(NOT )?IN$/i.test(of);
}

type Fault = NonNullable<ReturnType<typeof faultOf>>;

/** Words about a filter or order_by that both refuse with INVALID_PARAMETER_VALUE; where ours tell a position, that is where the fault is. */
export const filterWords: readonly Explanation[] = [
  {
    id: "filter-position",
    what: "the same fault of the same name or value in a filter or order_by, with its position in ours",
    why: "a long filter is mended more quickly",
    matches: onFilters(
      (theirs, ours) =>
        (theirs.sort === ours.sort &&
          theirs.sort !== "clause" &&
          theirs.sort !== "order" &&
          (theirs.of === ours.of || ours.of === "" || theirs.of === "")) ||
        // MLflow takes version_number = '1'.
        (theirs.sort === "quoted text" && ours.sort === "number" && theirs.of === ours.of),
    ),
  },
  {
    id: "filter-clause",
    what: "where a filter cannot be read, MLflow lists what its lexer could not place, ours the first such word and what was expected there",
    why: "it is what has to be mended",
    matches: onFilters((theirs, ours) => theirs.sort === "clause" && ours.sort === "clause"),
  },
  {
    id: "filter-order",
    what: "a clause of order_by that cannot be read is told with the word that is wrong in it",
    why: "it is what has to be mended",
    matches: onFilters(
      (theirs, ours, own) => theirs.sort === "order" && (ours.sort === "order" || own.includes("(in order_by at")),
    ),
  },
  {
    id: "filter-list",
    what: "a list that is wrong in itself and stands where none may be is told for one of the two",
    why: "both are wrong",
    matches: onFilters((theirs, ours) => isOfList(theirs) && isOfList(ours)),
  },
  {
    id: "filter-first-fault",
    what: "of several faults of one search another is told first, or what one cannot read the other reads and refuses",
    why: "MLflow's lexer takes other words for comparisons (1_0, lists after =, ANDs too many); both are in the search",
    matches: onFilters(
      (theirs, ours, _, call) =>
        theirs.sort !== ours.sort && ([theirs.sort, ours.sort].includes("clause") || hasSeveral(call)),
    ),
  },
];
