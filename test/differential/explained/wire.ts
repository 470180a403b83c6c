import { type Explanation, MISSING, onlyWords, pairIs, refusal, subject, WRONG_TYPE } from "./match.ts";

/** Of requests that are wrong in themselves. */
export const wire: readonly Explanation[] = [
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
    id: "camel-case",
    what: "MLflow also takes optional fields in camel case, as protobuf's JSON does; ours ignores them",
    why: "no MLflow client sends them, and required fields in camel case are refused by MLflow too",
    parts: true,
    matches: (_, pair) => /"[a-z]+[A-Z]\w*":/.test(JSON.stringify(pair.call.body ?? {})),
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
    id: "fault-for-refusal",
    what: "MLflow answers 500 to a filter or a body that it can't read, ours 400",
    why: "the request is at fault, not the server; clients would try a 500 again",
    matches: (_, pair) =>
      (pair.theirs.status === 500 || /\(sqlite3\.ProgrammingError/.test(refusal(pair.theirs.body).message)) &&
      pair.ours.status === 400 &&
      /^\/(ajax-)?api\/2\.0\/mlflow\//.test(pair.call.path),
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
    matches: (_, pair) => pair.theirs.status === 500 && /":null\b/.test(JSON.stringify(pair.call.body ?? {})),
  },
];
