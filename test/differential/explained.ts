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
  ["page", /max_results/],
];

/** What a refusal is about. */
function subject(message: string): string {
  const known = SUBJECTS.find(([, words]) => words.test(message))?.[0];
  return known ?? /parameter '?([\w.[\]]+)/.exec(message)?.[1] ?? /^'?([\w.[\] ]+)'? exceeds/.exec(message)?.[1] ?? "";
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
          !/^Missing value|max_results/.test(theirs) &&
          /position \d+|clause|order_by|order by|multiple expression/.test(ours),
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
      onlyWords(difference, pair, (theirs, ours) => /page token/.test(theirs) && ours.startsWith("Invalid page token")),
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
        (theirs, ours) =>
          theirs.includes("(sqlite3.") &&
          theirs.startsWith(/^.*already exists|^.*/.exec(ours)?.[0].replace(/\.$/, "") ?? ""),
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
    id: "twice-in-one",
    what: "MLflow answers 400 (a unique key of SQL fails) for the same tag twice in one request or an output that is there, ours keeps the last",
    why: "what a later request with the same key does; MLflow takes it so for runs too",
    parts: true,
    matches: pairIs({
      theirs: 400,
      ours: 200,
      path: /\/(create|log-inputs|outputs|logged-models)$/,
      says: /UNIQUE constraint failed: (\w*tags|inputs)\./,
    }),
  },
  {
    id: "half-read",
    what: "MLflow reads a body with a value of a wrong type up to that value and goes on with what it has, ours refuses it",
    why: "doing a part of what was asked loses data without a word; the client cannot send such a body",
    parts: true,
    matches: (_, pair) =>
      pair.ours.status === 400 &&
      (pair.theirs.status !== 400 || /\(sqlite3\./.test(refusal(pair.theirs.body).message)) &&
      WRONG_TYPE.test(refusal(pair.ours.body).message),
  },
  {
    id: "type-words",
    what: "a value of a wrong type is named more closely",
    why: "ours name the entry and its field where MLflow names the whole list",
    matches: (difference, pair) => onlyWords(difference, pair, (_, ours) => WRONG_TYPE.test(ours)),
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
      (pair.theirs.status === 500 || /\(sqlite3\.ProgrammingError/.test(refusal(pair.theirs.body).message)) &&
      pair.ours.status === 400 &&
      /^\/(ajax-)?api\/2\.0\/mlflow\//.test(pair.call.path),
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
    what: "MLflow answers 500 to a number in a filter or of a version that SQLite can't hold, ours compares with it",
    why: "every number can be compared",
    matches: pairIs({ theirs: 500, ours: [200, 404], path: /./, says: /too large to convert/ }),
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
      theirs: [200, 400, 404],
      ours: 400,
      path: /./,
      tells: /^Missing value for required parameter '(tags|params|datasets|models)(\[\d+\])?\.[\w.[\]]+'/,
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
      says: /cannot use the '[\w-]+' scheme/,
    }),
  },
  {
    id: "blank-in-id",
    what: "MLflow takes an experiment id with blanks round it, ours refuses it",
    why: "it is none of the ids that a server gave",
    matches: pairIs({ theirs: [200, 404, 400], ours: 400, path: /./, tells: /^Invalid experiment ID ' \d'/ }),
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
      pairIs({ theirs: 200, ours: 400, path: SEARCH })(_, pair) &&
      /\d_\d/.test(JSON.stringify([pair.call.body, pair.call.query])),
  },
  {
    id: "quoted-version",
    what: "MLflow takes a quoted number for version_number in a filter, ours refuses it",
    why: "it refuses quoted numbers everywhere else",
    matches: pairIs({
      theirs: 200,
      ours: 400,
      path: /model-versions\/search$/,
      tells: /^Expected numeric value type for numeric attribute: version_number/,
    }),
  },
  {
    id: "dangling-and",
    what: "MLflow takes a filter with an AND at its end or twice, ours refuses it",
    why: "a comparison was forgotten; ours says where",
    matches: pairIs({
      theirs: 200,
      ours: 400,
      path: SEARCH,
      tells: /'(the end|AND)' at position \d+; expected a name/i,
    }),
  },
  {
    id: "path-as-asked",
    what: "a path of an artifact is told as it was asked for by MLflow, or decoded once more, as it is kept by ours",
    why: "the same path; status and code are the same",
    matches: (difference, pair) =>
      onlyWords(difference, pair, (theirs, ours) =>
        ["No such artifact: '", "Artifact path refers to a directory, not a file: '"].some(
          (words) => theirs.startsWith(words) && ours.startsWith(words),
        ),
      ),
  },
  {
    id: "odd-path",
    what: "MLflow keeps artifacts whose paths hold a control character, a backslash, a drive or a dot, ours refuses them",
    why: "such paths mean other things to shells, logs and other systems",
    parts: true,
    matches: (_, pair) =>
      pair.ours.status === 400 &&
      refusal(pair.ours.body).message === "Invalid path" &&
      /%00|%5C|\\\\|\\u0000|[/"][A-Za-z]:|file:|[/"]\.\//i.test(
        JSON.stringify([pair.call.path, pair.call.query ?? []]),
      ),
  },
  {
    id: "no-run-id",
    what: "MLflow looks for a run `None` where get-artifact names none, ours says that it is missing",
    why: "it is missing",
    matches: pairIs({ theirs: 404, ours: 400, path: /get-artifact$/, says: /^Run with id=None/ }),
  },
  {
    id: "id-as-sent",
    what: "a run made with experiment id 01 answers 01 with MLflow, 1 with ours",
    why: "that is the experiment's id, as every other answer of both has it",
    matches: ({ at, theirs, ours }) =>
      at.endsWith("experiment_id") && /^0+\d+$/.test(String(theirs)) && Number(theirs) === Number(ours),
  },
  {
    id: "long-tags-at-create",
    what: "MLflow keeps tags of a run that is made whole, ours their first 8,000 characters",
    why: "as MLflow does with tags that are set later",
    matches: ({ at, theirs, ours }) =>
      at.endsWith(".value") && typeof ours === "string" && [...ours].length === 8000 && String(theirs).startsWith(ours),
  },
  {
    id: "model-name-limit",
    what: "MLflow's SQLite keeps names of registered models of any length, ours at most 255 characters",
    why: "MLflow's other databases hold 256; a name is part of keys",
    parts: true,
    matches: pairIs({
      theirs: [200, 404, 400],
      ours: 400,
      path: /\/(registered-models|model-versions)\//,
      tells: /^'(new_)?name' exceeds the maximum length of 255/,
    }),
  },
  {
    id: "dots-in-address",
    what: "an address with . or .. segments is resolved before it is routed",
    why: "as RFC 3986 has it; what is left lies below the artifact root or is another route",
    parts: true,
    matches: (_, pair) => /\/\.{1,2}(\/|$)|\/(%2e){1,2}(\/|$)/i.test(pair.call.path),
  },
  {
    id: "deleted-model",
    what: "MLflow changes a logged model that is deleted, ours answers 404",
    why: "nothing can see it any more",
    matches: (_, pair) =>
      pair.call.method !== "GET" &&
      pairIs({ theirs: 200, ours: 404, path: /\/logged-models\//, tells: /^Logged model with ID/ })(_, pair),
  },
  {
    id: "redirect",
    what: "MLflow redirects an address with two slashes, ours answers at once",
    why: "the client does not follow redirects of writes",
    parts: true,
    matches: (_, pair) => pair.theirs.status === 308,
  },
  {
    id: "two-slashes",
    what: "MLflow answers 500 to an artifact path with two slashes, ours keeps it as with one",
    why: "the same path",
    parts: true,
    matches: pairIs({
      theirs: 500,
      ours: 200,
      path: /mlflow-artifacts\/artifacts\/.*\/\//,
      says: /^Invalid artifact path/,
    }),
  },
  {
    id: "rename-to-taken",
    what: "MLflow answers a rename to a name that is taken with SQL and BAD_REQUEST, ours says that it is taken",
    why: "as at create; the status is the same",
    matches: pairIs({
      theirs: 400,
      ours: 400,
      path: /experiments\/update$/,
      says: /UNIQUE constraint failed: experiments/,
      tells: /already exists/,
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
    id: "no-description",
    what: "MLflow has no description of a version after an update without one, ours an empty one",
    why: "the client reads both as none",
    matches: ({ at, theirs, ours }) => at.endsWith(".description") && theirs === undefined && ours === "",
  },
  {
    id: "tag-names-at-create",
    what: "MLflow does not look at names of tags when a run or experiment is made, ours does as later",
    why: "such a tag could be neither set again nor deleted",
    parts: true,
    matches: pairIs({
      theirs: [200, 400],
      ours: 400,
      path: /\/create$/,
      tells:
        /^Invalid value .* for parameter '(tags\[\d+\]\.)?key' supplied: Names may|^'(tags\[\d+\]\.)?(key|value)' exceeds/s,
    }),
  },
  {
    id: "local-source-words",
    what: "a local source is told as it is, not as a path of the server",
    why: "where the server runs is none of its callers' business",
    matches: (difference, pair) =>
      onlyWords(difference, pair, (theirs, ours) =>
        [theirs, ours].every(
          (text) =>
            text.startsWith("Invalid model version source: '") &&
            text.includes("To use a local path as a model version source"),
        ),
      ),
  },
  {
    id: "no-version-of-stage",
    what: "MLflow answers 500 where a source names a stage that no version is in, ours 404",
    why: "nothing is wrong with the server",
    matches: pairIs({
      theirs: 500,
      ours: 404,
      path: /model-versions\/create$/,
      says: /^No versions of model with name/,
    }),
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
    id: "error-class",
    what: "MLflow sorts one refused order_by of logged models under another error class",
    why: "dashboards of Databricks read it, clients do not",
    matches: ({ at, theirs }) =>
      (at === "body.sqlstate" && theirs === "KAM04") || (at === "body.error_class" && theirs === "ATTRIBUTE_NOT_FOUND"),
  },
  {
    id: "slash-in-tag-key",
    what: "MLflow's address of a logged model's tag takes no slash in the key, ours does",
    why: "such tags can be made, so they can be deleted",
    parts: true,
    matches: (_, pair) => pair.theirs.status === 404 && /\/tags\/.*(%2F|\/)/i.test(pair.call.path),
  },
  {
    id: "log-model-history",
    what: "the tag of runs/log-model holds what was sent, with MLflow in its own order and with an empty model_uuid",
    why: "clients before MLflow 3 read the same fields of both",
    matches: ({ at, theirs, ours }) =>
      at.endsWith(".value") &&
      [theirs, ours].every(
        (text) => typeof text === "string" && text.startsWith("[{") && text.includes("utc_time_created"),
      ),
  },
  {
    id: "quotes-in-file-name",
    what: "a file name with quotes is escaped by MLflow, replaced by ours beside the encoded name",
    why: "readers of headers that know no escapes are not led astray",
    matches: ({ at, theirs }) => at === "headers.content-disposition" && /["\\].*["\\].*["\\]/.test(String(theirs)),
  },
  {
    id: "loose-values",
    what: "MLflow takes values of any kind for tags and params in searches of logged models, ours quoted texts only",
    why: "MLflow refuses it in every other search",
    matches: pairIs({
      theirs: [200, 400, 500],
      ours: 400,
      path: /logged-models\/search$/,
      tells: /^Expected a quoted string value/,
    }),
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
