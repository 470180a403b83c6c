import { valueAt } from "./claims.ts";
import { isOfFilter } from "./filters.ts";
import { type Explanation, isOwnPage, onlyWords, pairIs, refusal, SEARCH } from "./match.ts";

/** MLflow takes a filter that ours refuses for what is in it. */
function refusesFilter(sides: Parameters<typeof pairIs>[0]): Explanation["matches"] {
  return (difference, pair) =>
    pairIs(sides)(difference, pair) && isOfFilter(refusal(pair.ours.body).message, "ours", pair.call);
}

/** Of searches and their pages. */
export const search: readonly Explanation[] = [
  {
    id: "order-fault",
    what: "MLflow answers 500 for a field that is sorted by twice, ours 400",
    why: "the request is at fault, not the server; clients would try a 500 again",
    matches: pairIs({
      theirs: 500,
      ours: 400,
      path: SEARCH,
      says: /contains duplicate fields/,
      tells: /contains duplicate fields/,
    }),
  },
  {
    id: "token-words",
    what: "a page token that is not one is refused in other words",
    why: "MLflow tells how its own tokens are made; status, code and the first words are the same",
    matches: (difference, pair) =>
      onlyWords(difference, pair, (theirs, ours) => /page token/.test(theirs) && ours.startsWith("Invalid page token")),
  },
  {
    id: "token-forged",
    what: "MLflow takes an offset that somebody wrote for a page token, ours refuses it",
    why: "our tokens are places, not offsets, so that pages neither repeat nor skip rows; only what the server gave is one",
    matches: (_, pair) =>
      pairIs({ theirs: 200, ours: 400, path: /\/(search|get-history)$/, tells: /^Invalid page token/ })(_, pair) &&
      !isOwnPage(pair),
  },
  {
    id: "empty-key",
    what: "MLflow takes `tags.` without a key, ours refuses it",
    why: "nothing can have an empty key; it is a slip of whoever wrote it",
    matches: refusesFilter({ theirs: 200, ours: 400, path: SEARCH, tells: /expected a key after/ }),
  },
  {
    id: "words-in-lower-case",
    what: "MLflow refuses LIKE, ILIKE, IN and NOT IN in lower case in some searches, ours takes them in all",
    why: "SQL words have no case, and MLflow itself takes them in other searches",
    matches: (difference, pair) =>
      SEARCH.test(pair.call.path) &&
      pair.theirs.status === 400 &&
      /comparator\b.*\b(i?like|in)\b|\b(i?like|in)\b.*comparator/.test(refusal(pair.theirs.body).message) &&
      (pair.ours.status === 200 || difference.at === "body.message"),
  },
  {
    id: "creation-time-fault",
    what: "MLflow answers 500 to a search of logged models by their time of creation, ours searches",
    why: "a fault of MLflow's: the column has another name",
    matches: pairIs({
      theirs: 500,
      ours: 200,
      path: /logged-models\/search$/,
      says: /has no attribute '\w+_timestamp'/,
    }),
  },
  {
    id: "fraction-for-time",
    what: "MLflow refuses 1e3 or 1.0 for a time in a filter, ours takes it for the number it is",
    why: "every number can be compared; MLflow takes them in searches of runs",
    matches: pairIs({ theirs: 400, ours: [200, 400], path: SEARCH, says: /^Invalid value for numeric attribute/ }),
  },
  {
    id: "order-by-creation",
    what: "MLflow's SQL store can't sort registered models by creation_timestamp, ours can",
    why: "its clients offer it, and its other stores can",
    matches: pairIs({
      theirs: 400,
      ours: 200,
      path: /registered-models\/search$/,
      says: /^Invalid order by key '(attribute\.)?`?creation_timestamp/,
    }),
  },
  {
    id: "run-name-in-two-words",
    what: "MLflow refuses `Run Name` in back-ticks in an order_by, ours takes it as it does bare",
    why: "the UI's name of the column",
    matches: pairIs({
      theirs: 400,
      ours: 200,
      path: /runs\/search$/,
      says: /Run Name/,
    }),
  },
  {
    id: "negative-page",
    what: "MLflow answers a page of a negative size with nothing and a token, ours refuses it",
    why: "following such tokens never ends",
    matches: pairIs({
      theirs: 200,
      ours: 400,
      path: /(registered-models|model-versions|logged-models)\/search$/,
      tells: /max_results/,
    }),
  },
  {
    id: "blank-filter",
    what: "MLflow refuses a filter of blanks, ours takes it for none",
    why: "it says nothing that could be wrong",
    matches: pairIs({ theirs: 400, ours: 200, path: SEARCH, says: /^Invalid filter( string:)? '\s+'/ }),
  },
  {
    id: "python-numbers",
    what: "MLflow takes 1_0 for a number in a filter, ours refuses it",
    why: "an accident of Python's float(); SQL has no such numbers",
    matches: (_, pair) =>
      refusesFilter({ theirs: 200, ours: 400, path: SEARCH })(_, pair) &&
      /\d_\d/.test(JSON.stringify([pair.call.body, pair.call.query])),
  },
  {
    id: "quoted-version",
    what: "MLflow takes a quoted number for version_number in a filter, ours refuses it",
    why: "it refuses quoted numbers everywhere else",
    matches: refusesFilter({
      theirs: 200,
      ours: 400,
      path: /model-versions\/search$/,
      tells: /^Expected numeric value type for numeric attribute: version_number/,
    }),
  },
  {
    id: "dangling-and",
    what: "MLflow takes some filters with an AND at the end, twice or nowhere, ours refuses them",
    why: "something was forgotten; ours says where",
    matches: refusesFilter({
      theirs: 200,
      ours: 400,
      path: SEARCH,
      tells: /'(the end|AND)' at position \d+; expected a name|expected AND or the end/i,
    }),
  },
  {
    id: "models-of-runs-found",
    what: "MLflow leaves the models that were inputs and outputs out of a search of runs, ours has them as in runs/get",
    why: "the client reads them where they are",
    matches: ({ at, theirs, ours }, pair) =>
      /\/runs\/search$/.test(pair.call.path) &&
      /\.model_(in|out)puts$/.test(at) &&
      theirs === undefined &&
      Array.isArray(ours),
  },
  {
    id: "plus-sign",
    what: "MLflow's lexer takes +1 for no number, ours for one",
    why: "it is one",
    matches: (_, pair) =>
      pairIs({ theirs: 400, ours: [200, 400], path: SEARCH })(_, pair) &&
      /\+\.?\d/.test(JSON.stringify([pair.call.body, pair.call.query])),
  },
  {
    id: "odd-list",
    what: "MLflow takes a list in two pairs of parentheses, and an empty one in searches of logged models, ours refuses both",
    why: "an accident of reading it as Python; SQL has no such lists",
    matches: refusesFilter({ theirs: 200, ours: 400, path: SEARCH, tells: /^While parsing a list in the query/ }),
  },
  {
    id: "double-quotes",
    what: "MLflow takes double quotes in a search of logged models for a part of the text, ours for quotes",
    why: "as every other search of both",
    matches: ({ at }, { call, theirs, ours }) =>
      /^body\.(models|next_page_token)/.test(at) &&
      theirs.status === 200 &&
      ours.status === 200 &&
      /logged-models\/search$/.test(call.path) &&
      /[=E(,]\s*"[^"]*"/i.test(String(valueAt(call, "filter"))),
  },
  {
    id: "status-as-number",
    what: "MLflow's SQL store compares the status of logged models as a number ('1'), ours by name",
    why: "that is how the API writes it; with MLflow status = 'READY' finds nothing",
    matches: ({ at }, { call, theirs, ours }) =>
      /^body\.(models|next_page_token)/.test(at) &&
      theirs.status === 200 &&
      ours.status === 200 &&
      /logged-models\/search$/.test(call.path) &&
      /\bstatus\b/.test(String(valueAt(call, "filter"))),
  },
  {
    id: "loose-values",
    what: "MLflow takes values of any kind and columns of its table in searches of logged models, ours what is documented",
    why: "MLflow refuses it in every other search",
    matches: refusesFilter({
      theirs: [200, 400, 500],
      ours: 400,
      path: /logged-models\/search$/,
      tells: /^Expected (a quoted string|numeric) value|^Invalid attribute key/,
    }),
  },
];
