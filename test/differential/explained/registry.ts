import { type Explanation, onlyWords, pairIs } from "./match.ts";

/** Of registered models and their versions. */
export const registry: readonly Explanation[] = [
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
    id: "model-id-of-version",
    what: "MLflow's SQL store forgets which logged model a version was made of, ours keeps it",
    why: "the client reads it, and lineage needs it",
    matches: ({ at, theirs, ours }) =>
      /(model_version|model_versions\[\d+\]|latest_versions\[\d+\])\.model_id$/.test(at) &&
      theirs === undefined &&
      /^<model \d+>$/.test(String(ours)),
  },
  {
    id: "fault-for-logged-model",
    what: "MLflow answers 500 where a source names a logged model that is not there, ours 404",
    why: "nothing is wrong with the server",
    matches: pairIs({
      theirs: 500,
      ours: 404,
      path: /model-versions\/create$/,
      says: /^Unable to fetch model from model URI .* Logged model with ID/s,
      tells: /^Logged model with ID/,
    }),
  },
  {
    id: "file-of-host",
    what: "MLflow answers 500 to a source on another machine's file system, ours refuses it as any local one",
    why: "the request is at fault",
    matches: pairIs({
      theirs: 500,
      ours: 400,
      path: /model-versions\/create$/,
      says: /^file:\/\/.* is not a valid remote uri/,
      tells: /^Invalid model version source/,
    }),
  },
  {
    id: "no-description",
    what: "MLflow has no description of a version after an update without one, ours an empty one",
    why: "the client reads both as none",
    matches: ({ at, theirs, ours }) => at.endsWith(".description") && theirs === undefined && ours === "",
  },
  {
    id: "local-source-words",
    what: "a local source is refused as it is, not as a path of the server, nor for a run that is not there",
    why: "where the server runs is none of its callers' business; it is refused whatever the run",
    matches: (difference, pair) =>
      onlyWords(
        difference,
        pair,
        (theirs, ours) =>
          theirs.startsWith("Invalid model version source: '") &&
          ours.includes("To use a local path as a model version source"),
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
    id: "fragment-in-source",
    what: "MLflow keeps sources with a query or a fragment, ours refuses them",
    why: "they have led MLflow to other places than were checked (its own advisories)",
    parts: true,
    matches: pairIs({
      theirs: [200, 400, 404],
      ours: 400,
      path: /model-versions\/create$/,
      tells: /must not have a query or a fragment/,
    }),
  },
];
