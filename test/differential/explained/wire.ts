import type { Pair } from "../compare.ts";
import { hasNullList, isTrueOf, MISSING, wrongField } from "./claims.ts";
import { isOfFilter } from "./filters.ts";
import { type Explanation, isOwnPage, onlyWords, pairIs, refusal, refusedAlike, SEARCH } from "./match.ts";

const isFault = ({ theirs }: Pair) =>
  theirs.status === 500 || /\(sqlite3\.ProgrammingError/.test(refusal(theirs.body).message);
const refusesOwnPage = (pair: Pair) => own(pair).startsWith("Invalid page token") && isOwnPage(pair);
const own = ({ ours }: Pair) => refusal(ours.body).message;

/** Of requests that are wrong in themselves. */
export const wire: readonly Explanation[] = [
  {
    id: "type-words",
    what: "a value of a wrong type is named more closely",
    why: "ours name the entry and its field where MLflow names the whole list, or goes on with what it read before it",
    matches: (difference, pair) =>
      refusedAlike(difference, pair, (_, ours) => wrongField(ours, pair.call) !== undefined),
  },
  {
    id: "first-fault",
    what: "a request with several faults is refused for another of them",
    why: "which one is told first does not matter to who has to mend them all; both are looked up in the request",
    matches: (difference, pair) =>
      !refusesOwnPage(pair) &&
      refusedAlike(
        difference,
        pair,
        (theirs, ours) =>
          (isTrueOf(theirs, pair.call) && (isTrueOf(ours, pair.call) || isOfFilter(ours, "ours", pair.call))) ||
          (isOfFilter(theirs, "theirs", pair.call) && isTrueOf(ours, pair.call)),
      ),
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
    id: "half-read",
    what: "MLflow reads a body with a value of a wrong type up to that value and goes on with what it has, ours refuses it",
    why: "doing a part of what was asked loses data without a word; the client cannot send such a body",
    parts: true,
    matches: (_, pair) =>
      ([200, 404].includes(pair.theirs.status) || /\(sqlite3\./.test(refusal(pair.theirs.body).message)) &&
      pair.ours.status === 400 &&
      wrongField(own(pair), pair.call) !== undefined,
  },
  {
    id: "malformed-body",
    what: "MLflow takes a body that is no JSON object for an empty one, ours says that it is none",
    why: "what is missing is not this or that parameter",
    parts: true,
    matches: (_, pair) =>
      pair.call.bytes !== undefined &&
      [200, 400].includes(pair.theirs.status) &&
      pair.ours.status === 400 &&
      own(pair).startsWith("Malformed request"),
  },
  {
    id: "entry-without-a-key",
    what: "MLflow keeps a tag, a param or a dataset without a key or name, ours refuses it",
    why: "nothing could ever find it; the client cannot send it",
    parts: true,
    matches: (_, pair) =>
      [200, 400, 404].includes(pair.theirs.status) &&
      pair.ours.status === 400 &&
      /^Missing value for required parameter '(tags|params|datasets|models)(\[\d+\])?\.[\w.[\]]+'/.test(own(pair)) &&
      isTrueOf(own(pair), pair.call),
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
    id: "fault-for-type",
    what: "MLflow answers 500, or with an error of SQL, to a body with a value of a wrong type or without a field, ours 400",
    why: "the request is at fault, not the server; clients would try a 500 again",
    matches: (_, pair) =>
      isFault(pair) &&
      pair.ours.status === 400 &&
      (wrongField(own(pair), pair.call) !== undefined || (MISSING.test(own(pair)) && isTrueOf(own(pair), pair.call))),
  },
  {
    id: "fault-for-body",
    what: "MLflow answers 500 to a body that is no JSON object, ours 400",
    why: "the request is at fault",
    matches: (_, pair) =>
      isFault(pair) &&
      pair.call.bytes !== undefined &&
      pair.ours.status === 400 &&
      own(pair).startsWith("Malformed request"),
  },
  {
    id: "fault-for-filter",
    what: "MLflow answers 500 to a filter or an order_by that it can't read, ours 400",
    why: "the request is at fault; ours tell where",
    matches: (_, pair) => isFault(pair) && pair.ours.status === 400 && isOfFilter(own(pair), "ours", pair.call),
  },
  {
    id: "fault-for-page",
    what: "MLflow answers 500 to a search with several faults or a page token that is not ASCII, ours 400 for its token or max_results",
    why: "the request is at fault",
    matches: (_, pair) =>
      isFault(pair) &&
      pair.ours.status === 400 &&
      SEARCH.test(pair.call.path) &&
      /page token|max_results/.test(own(pair)) &&
      !refusesOwnPage(pair) &&
      isTrueOf(own(pair), pair.call),
  },
  {
    id: "fault-for-model-json",
    what: "MLflow answers 500 to a model_json that is no object, ours 400",
    why: "the request is at fault",
    matches: pairIs({ theirs: 500, ours: 400, path: /runs\/log-model$/, tells: /^Malformed model info/ }),
  },
  {
    id: "fault-for-stage",
    what: "MLflow answers 500 where versions of a stage cannot be archived, ours 400 with its words",
    why: "the request is at fault",
    matches: (_, pair) =>
      pairIs({ theirs: 500, ours: 400, path: /transition-stage$/, tells: /^Model version transition cannot archive/ })(
        _,
        pair,
      ) && refusal(pair.theirs.body).message === own(pair),
  },
  {
    id: "fault-for-file-name",
    what: "MLflow answers 500 to an upload to a folder's name, ours 400",
    why: "the request is at fault",
    matches: pairIs({
      theirs: 500,
      ours: 400,
      path: /upload-artifact$/,
      tells: /^Artifact path must include a filename/,
    }),
  },
  {
    id: "fault-for-experiment-id",
    what: "MLflow answers 500 to an experiment's id that SQLite can't hold, ours that it is none",
    why: "the request is at fault",
    matches: (_, pair) =>
      pairIs({
        theirs: 500,
        ours: 400,
        path: /./,
        says: /too large to convert/,
        tells: /^Invalid experiment ID '\d{19,}'/,
      })(_, pair) && isTrueOf(own(pair), pair.call),
  },
  {
    id: "error-class",
    what: "MLflow sorts one refused order_by of logged models under another error class",
    why: "dashboards of Databricks read it, clients do not",
    matches: ({ at, theirs }) =>
      (at === "body.sqlstate" && theirs === "KAM04") || (at === "body.error_class" && theirs === "ATTRIBUTE_NOT_FOUND"),
  },
  {
    id: "large-number-fault",
    what: "MLflow answers 500 to a number in a filter or of a version that SQLite can't hold, ours compares with it",
    why: "every number can be compared",
    matches: pairIs({ theirs: 500, ours: [200, 404], path: /./, says: /too large to convert/ }),
  },
  {
    id: "null-list",
    what: "MLflow answers 500 to null for a list, ours takes it for absent",
    why: "as both take null for any other field",
    parts: true,
    matches: (_, pair) => pair.theirs.status === 500 && hasNullList(pair.call),
  },
];
