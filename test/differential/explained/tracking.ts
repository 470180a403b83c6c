import type { Json } from "../call.ts";
import { type Explanation, onlyWords, pairIs, refusal } from "./match.ts";

/** Of experiments, runs and logged models. */
export const tracking: readonly Explanation[] = [
  {
    id: "no-experiment-id",
    what: "MLflow answers 400 (a foreign key of SQL fails) for a run of no experiment, ours makes it in Default",
    why: "that is what the API says of an absent id; clients always send one",
    parts: true,
    matches: pairIs({ theirs: 400, ours: 200, path: /\/runs\/create$/, says: /FOREIGN KEY constraint failed/ }),
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
      says: /FOREIGN KEY constraint failed|^Changing param values/,
      tells: /^Logged model with ID/,
    }),
  },
  {
    id: "negative-bulk",
    what: "MLflow takes a negative max_results of get-history-bulk for all but so many points, ours for none",
    why: "a slice of Python; no client asks so",
    matches: ({ at }, { call }) =>
      at === "body.metrics" &&
      call.path.endsWith("/metrics/get-history-bulk") &&
      (call.query ?? []).some(([name, value]) => name === "max_results" && value.startsWith("-")),
  },
  {
    id: "dataset-of-first",
    what: "where runs log the same dataset with another profile, schema or source, MLflow shows what the first said, ours what the run did",
    why: "that is what the run saw",
    matches: ({ at, theirs, ours }, { before }) => {
      const [, field = ""] =
        /\.inputs\.dataset_inputs\[\d+\]\.dataset\.(profile|schema|source|source_type)$/.exec(at) ?? [];
      const said = before
        .filter(({ path }) => path.endsWith("/log-inputs"))
        .flatMap(({ body }) => (body as { readonly datasets?: Json } | null | undefined)?.datasets ?? [])
        .map((input) => (input as { dataset?: { readonly [name: string]: Json } } | null)?.dataset?.[field]);
      return field !== "" && said.includes(theirs) && said.includes(ours);
    },
  },
  {
    id: "blank-in-id",
    what: "MLflow answers an experiment's id with the blanks it was sent with, ours the id",
    why: "both find the same experiment; later answers are equal",
    matches: ({ at, theirs, ours }) =>
      at === "body.run.info.experiment_id" && typeof theirs === "string" && theirs !== ours && theirs.trim() === ours,
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
      ours: [200, 400, 404],
      path: /logged-models(\/.*\/params)?$/,
      says: /UNIQUE constraint failed: logged_model_params/,
    }),
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
    id: "deleted-model",
    what: "MLflow changes a logged model that is deleted, ours answers 404",
    why: "nothing can see it any more",
    matches: (difference, pair) =>
      pair.call.method !== "GET" &&
      (pairIs({ theirs: 200, ours: 404, path: /\/logged-models\//, tells: /^Logged model with ID/ })(
        difference,
        pair,
      ) ||
        onlyWords(
          difference,
          pair,
          (theirs, ours) => theirs.startsWith("No tag with key") && ours.startsWith("Logged model with ID"),
        )),
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
    id: "unprintable",
    what: "MLflow writes characters that Python can't print as escapes into the message of a changed param, ours as they are",
    why: "which characters those are depends on the version of Python",
    matches: (difference, pair) =>
      onlyWords(
        difference,
        pair,
        (theirs, ours) =>
          [theirs, ours].every((text) => text.startsWith("Changing param values is not allowed")) &&
          /\\[uUx][0-9a-f]{2}/.test(theirs),
      ),
  },
  {
    id: "run-of-deleted-experiment",
    what: "MLflow restores a run whose experiment stays deleted, with ours it is deleted until its experiment is restored",
    why: "a run is found where its experiment is",
    parts: true,
    matches: ({ at, theirs, ours }, pair) =>
      (at.endsWith("lifecycle_stage") && theirs === "active" && ours === "deleted") ||
      (/^body\.(runs|next_page_token)$/.test(at) &&
        ["/experiments/delete", "/runs/restore"].every((end) => pair.before.some(({ path }) => path.endsWith(end)))) ||
      (pair.theirs.status === 200 &&
        pair.ours.status === 400 &&
        /^The run .* must be in the 'active' state/.test(refusal(pair.ours.body).message)),
  },
  {
    id: "id-of-body",
    what: "where address and body of a change to a logged model name different ones, MLflow changes that of the body, ours that of the address",
    why: "rights and logs go by addresses; the client sends the same",
    parts: true,
    matches: (_, { call, theirs, ours }) => {
      const { model_id = "" } = (call.body ?? {}) as { readonly model_id?: string };
      return (
        [theirs.status, ours.status].every((status) => [200, 404].includes(status)) &&
        call.method === "PATCH" &&
        /\/logged-models\/[^/]+$/.test(call.path) &&
        !call.path.endsWith(String(model_id))
      );
    },
  },
  {
    id: "nan-of-model",
    what: "MLflow keeps 0 for a NaN that is logged to a logged model, ours NaN, as it does for runs",
    why: "0 is another value",
    matches: ({ at, theirs, ours }) =>
      /^body\.(model|models\[\d+\])\.data\.metrics\[\d+\]\.value$/.test(at) && theirs === 0 && ours === "NaN",
  },
  {
    id: "nan-in-json",
    what: "MLflow's get-history-bulk writes NaN bare, which is no JSON, ours as text",
    why: "as every other answer of both has it",
    matches: ({ at, theirs }, pair) =>
      at === "body" && /get-history-bulk$/.test(pair.call.path) && /:NaN\b/.test(String(theirs)),
  },
];
