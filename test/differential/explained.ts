import type { Json } from "./call.ts";
import type { Difference, Pair } from "./compare.ts";

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

function refusal(body: Json): Refusal {
  const { error_code, message } = (typeof body === "object" && body !== null ? body : {}) as { [name: string]: Json };
  return { code: String(error_code ?? ""), message: String(message ?? "") };
}

/** Of an error both answer with the same status and code, the words differ. */
function onlyWords({ at }: Difference, pair: Pair, fits: (theirs: string, ours: string) => boolean): boolean {
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
function pairIs({ theirs, ours, path, says, tells }: Sides): Explanation["matches"] {
  return (_, pair) =>
    [theirs].flat().includes(pair.theirs.status) &&
    [ours].flat().includes(pair.ours.status) &&
    path.test(pair.call.path) &&
    (says === undefined || says.test(refusal(pair.theirs.body).message)) &&
    (tells === undefined || tells.test(refusal(pair.ours.body).message));
}

const SEARCH = /\/search$/;
const WRONG_TYPE =
  /^Invalid value .* for parameter '.*' supplied: (?: Hint: Value was of type|It must be one of)|^Malformed request/s;
const MISSING = /^Missing value for required parameter '(.+)'/;

/** The parameter that a refusal is about. */
function subject(message: string): string {
  if (
    /^Invalid (clause|comparison|comparator|attribute|entity|filter|order)|order_by|^Expected|^Only|^While|IS NULL/.test(
      message,
    )
  )
    return "filter";
  return /parameter '?([\w.[\]]+)/.exec(message)?.[1] ?? /^'?([\w.[\]]+)'? exceeds/.exec(message)?.[1] ?? "";
}

export const EXPLANATIONS: readonly Explanation[] = [
  {
    id: "filter-words",
    what: "a broken filter or order_by is refused in other words",
    why: "ours tell the position and what was expected there; status and code are the same",
    matches: (difference, pair) =>
      SEARCH.test(pair.call.path) &&
      onlyWords(
        difference,
        pair,
        (theirs, ours) =>
          !/^Missing value|max_results/.test(theirs) && /position \d+|clause|order_by|order by/.test(ours),
      ),
  },
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
      onlyWords(
        difference,
        pair,
        (theirs, ours) => theirs.startsWith("Invalid page token") && ours.startsWith("Invalid page token"),
      ),
  },
  {
    id: "token-forged",
    what: "MLflow takes an offset that somebody wrote for a page token, ours refuses it",
    why: "our tokens are places, not offsets, so that pages neither repeat nor skip rows; only what the server gave is one",
    matches: pairIs({ theirs: 200, ours: 400, path: /\/(search|get-history)$/, tells: /^Invalid page token/ }),
  },
  {
    id: "sql-in-message",
    what: "MLflow's message goes on with the SQL statement and its parameters",
    why: "the inside of a server is none of its callers' business; what comes before it is the same",
    matches: (difference, pair) =>
      onlyWords(
        difference,
        pair,
        (theirs, ours) => theirs.includes("(sqlite3.") && theirs.startsWith(ours.replace(/\.$/, "")),
      ),
  },
  {
    id: "no-experiment-id",
    what: "MLflow answers 400 (a foreign key of SQL fails) for a run of no experiment, ours makes it in Default",
    why: "that is what the API says of an absent id; clients always send one",
    parts: true,
    matches: pairIs({ theirs: 400, ours: 200, path: /\/runs\/create$/, says: /FOREIGN KEY constraint failed/ }),
  },
  {
    id: "tags-twice",
    what: "MLflow answers 400 (a unique key of SQL fails) for the same tag key twice in one request, ours keeps the last",
    why: "what a later request with the same key does; MLflow takes it so for runs too",
    parts: true,
    matches: pairIs({
      theirs: 400,
      ours: 200,
      path: /\/(create|log-inputs|logged-models)$/,
      says: /UNIQUE constraint failed: \w*tags\./,
    }),
  },
  {
    id: "half-read",
    what: "MLflow reads a body with a value of a wrong type up to that value and goes on with what it has, ours refuses it",
    why: "doing a part of what was asked loses data without a word; the client cannot send such a body",
    parts: true,
    matches: (_, pair) =>
      pair.ours.status === 400 && pair.theirs.status !== 400 && WRONG_TYPE.test(refusal(pair.ours.body).message),
  },
  {
    id: "type-words",
    what: "a value of a wrong type is named more closely",
    why: "ours name the entry and its field where MLflow names the whole list",
    matches: (difference, pair) =>
      onlyWords(difference, pair, (theirs, ours) => /^(Invalid|Missing) value/.test(theirs) && WRONG_TYPE.test(ours)),
  },
  {
    id: "null-words",
    what: "where a body has a value of a wrong type, MLflow calls an absent field `null` of a wrong type; ours calls it missing",
    why: "it is missing; status and code are the same",
    matches: (difference, pair) =>
      onlyWords(difference, pair, (theirs, ours) => {
        const name = MISSING.exec(ours)?.[1];
        return name !== undefined && theirs.startsWith(`Invalid value null for parameter '${name}'`);
      }),
  },
  {
    id: "fault-for-refusal",
    what: "MLflow answers 500 to a filter or a body that it can't read, ours 400",
    why: "the request is at fault, not the server; clients would try a 500 again",
    matches: (_, pair) =>
      pair.theirs.status === 500 && pair.ours.status === 400 && /^\/(ajax-)?api\/2\.0\/mlflow\//.test(pair.call.path),
  },
  {
    id: "first-fault",
    what: "a request with several faults is refused for another of them",
    why: "which one is told first does not matter to who has to mend them all; status and code are the same",
    matches: (difference, pair) =>
      onlyWords(
        difference,
        pair,
        (theirs, ours) => subject(theirs) !== "" && subject(ours) !== "" && subject(theirs) !== subject(ours),
      ),
  },
  {
    id: "camel-case",
    what: "MLflow also takes optional fields in camel case, as protobuf's JSON does; ours ignores them",
    why: "no MLflow client sends them, and required fields in camel case are refused by MLflow too",
    parts: true,
    matches: (_, pair) => /"[a-z]+[A-Z]\w*":/.test(JSON.stringify(pair.call.body ?? {})),
  },
  {
    id: "metric-on-no-model",
    what: "MLflow answers 400 (a foreign key of SQL fails) to a metric on a logged model that is not there, and keeps it on the run; ours answers 404 and keeps nothing",
    why: "a refused request should leave nothing behind",
    parts: true,
    matches: pairIs({
      theirs: 400,
      ours: 404,
      path: /\/log-(metric|batch)$/,
      says: /FOREIGN KEY constraint failed/,
      tells: /^Logged model with ID/,
    }),
  },
  {
    id: "empty-key",
    what: "MLflow takes `tags.` without a key, ours refuses it",
    why: "nothing can have an empty key; it is a slip of whoever wrote it",
    matches: pairIs({ theirs: 200, ours: 400, path: SEARCH, tells: /expected a key after/ }),
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
    id: "large-number-fault",
    what: "MLflow answers 500 to a filter with a number that SQLite can't hold, ours compares with it",
    why: "every number can be compared",
    matches: pairIs({ theirs: 500, ours: 200, path: SEARCH, says: /too large to convert/ }),
  },
  {
    id: "fraction-for-time",
    what: "MLflow refuses 1e3 or 1.0 for a time in a filter, ours takes it for the number it is",
    why: "every number can be compared; MLflow takes them in searches of runs",
    matches: pairIs({ theirs: 400, ours: 200, path: SEARCH, says: /^Invalid value for numeric attribute/ }),
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
    matches: pairIs({ theirs: 400, ours: 200, path: /runs\/search$/, says: /Invalid attribute key 'Run Name'/ }),
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
    id: "set-in-message",
    what: "MLflow lists missing fields in an order of chance",
    why: "a Python set; ours lists them by name",
    matches: (difference, pair) =>
      onlyWords(difference, pair, (theirs, ours) =>
        [theirs, ours].every((text) => text.startsWith("Model json is missing mandatory fields: ")),
      ),
  },
  {
    id: "detail",
    what: "MLflow's artifact routes answer errors as `detail` without an error code, ours as everywhere",
    why: "the client reads error_code and message; status and text are the same",
    matches: (_, pair) => {
      const { detail } = pair.theirs.body as { readonly detail?: string };
      return (
        pair.theirs.status === pair.ours.status && detail !== undefined && detail === refusal(pair.ours.body).message
      );
    },
  },
  {
    id: "malformed-body",
    what: "MLflow takes a body that is no JSON object for an empty one, ours says that it is none",
    why: "what is missing is not this or that parameter",
    parts: true,
    matches: (_, pair) => pair.ours.status === 400 && refusal(pair.ours.body).message.startsWith("Malformed request"),
  },
  {
    id: "entry-without-a-key",
    what: "MLflow keeps a tag, a param or a dataset without a key or name, ours refuses it",
    why: "nothing could ever find it; the client cannot send it",
    parts: true,
    matches: pairIs({
      theirs: [200, 400],
      ours: 400,
      path: /./,
      tells: /^Missing value for required parameter '(tags|params|datasets)(\[\d+\])?\.[\w.[\]]+'/,
    }),
  },
  {
    id: "logged-model-limits",
    what: "MLflow keeps tags and params of logged models of any length, ours at most 250 and 6,000 (tags: 20,000) characters",
    why: "the limits of runs; a record has to fit its store",
    parts: true,
    matches: pairIs({ theirs: 200, ours: 400, path: /logged-models/, tells: /exceeds the maximum length/ }),
  },
  {
    id: "params-twice",
    what: "MLflow answers 400 (a unique key of SQL fails) to a param of a logged model that is there, ours to another value only",
    why: "as with params of runs: the same again is no change",
    parts: true,
    matches: pairIs({
      theirs: 400,
      ours: [200, 400],
      path: /logged-models(\/.*\/params)?$/,
      says: /UNIQUE constraint failed: logged_model_params/,
    }),
  },
  {
    id: "host-in-source",
    what: "MLflow refuses http and other host-addressed sources of model versions, ours keeps them as text",
    why: "ours never opens a source; MLflow would",
    parts: true,
    matches: pairIs({
      theirs: 400,
      ours: [200, 400, 404],
      path: /model-versions\/create$/,
      says: /cannot use the '\w+' scheme/,
    }),
  },
  {
    id: "blank-in-id",
    what: "MLflow takes an experiment id with blanks round it, ours refuses it",
    why: "it is none of the ids that a server gave",
    matches: pairIs({ theirs: [200, 404, 400], ours: 400, path: /./, tells: /^Invalid experiment ID: '( \d| )/ }),
    parts: true,
  },
  {
    id: "user-of-token",
    what: "a run that names no user is MLflow's nobody's, ours the caller's",
    why: "ours knows who calls; clients always name one",
    matches: ({ at, theirs, ours }) => at.endsWith("info.user_id") && theirs === "" && ours === "owner",
  },
  {
    id: "no-start-time",
    what: "a run that gives no time begins in 1970 with MLflow, now with ours",
    why: "that is when it begins; clients always give one",
    parts: true,
    matches: ({ at, theirs }) => at === "body.run.info.start_time" && theirs === 0,
  },
  {
    id: "control-in-path",
    what: "MLflow keeps an artifact whose name holds a control character, ours refuses it",
    why: "such names break logs, shells and object stores",
    parts: true,
    matches: (_, pair) =>
      pair.ours.status === 400 && /%00/.test(pair.call.path + JSON.stringify(pair.call.query ?? [])),
  },
];

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
