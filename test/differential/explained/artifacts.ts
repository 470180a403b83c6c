import type { Json } from "../call.ts";
import { type Explanation, onlyWords, pairIs, refusal } from "./match.ts";

/** Of artifacts and their addresses. */
export const artifacts: readonly Explanation[] = [
  {
    id: "range-of-other-unit",
    what: "MLflow refuses a Range in another unit than bytes, ours answers the whole file",
    why: "RFC 9110, 14.2: a unit that is not known is ignored",
    matches: (_, { call, theirs, ours }) =>
      theirs.status === 400 && ours.status === 200 && !/^bytes=/.test(call.headers?.range ?? "bytes="),
  },
  {
    id: "range-backwards",
    what: "MLflow refuses a Range whose end lies before its start, ours answers the whole file",
    why: "RFC 9110, 14.2: a range that is not valid is ignored",
    matches: (_, { call, theirs, ours }) => {
      const [, start = "0", end = "0"] = /^bytes=(\d+)-(\d+)$/.exec(call.headers?.range ?? "") ?? [];
      return [400, 416].includes(theirs.status) && ours.status === 200 && Number(end) < Number(start);
    },
  },
  {
    id: "detail",
    what: "MLflow's artifact routes answer errors as `detail` without an error code, ours as everywhere",
    why: "the client reads error_code and message; status and text are the same",
    matches: (_, pair) => {
      const { detail = "" } = pair.theirs.body as { readonly detail?: string };
      const words = /^[A-Z][^']+/.exec(detail)?.[0];
      const { message } = refusal(pair.ours.body);
      return pair.theirs.status === pair.ours.status && words !== undefined && message.startsWith(words);
    },
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
    id: "decoded-again",
    what: "MLflow decodes a path that it got from a query until nothing is left to decode: b%2Fc becomes b/c; ours keeps its name",
    why: "a file may have a percent sign in its name",
    parts: true,
    matches: ({ at }, { call, before, theirs, ours }) =>
      /artifact/.test(call.path) &&
      [...before, call].some(({ query = [] }) =>
        query.some(([name, text]) => name === "path" && /%[0-9a-f]{2}/i.test(text)),
      ) &&
      (at.startsWith("body.files") || [theirs.status, ours.status].sort().join() === "200,404"),
  },
  {
    id: "odd-path",
    what: "MLflow keeps artifacts whose paths hold a control character, a backslash, a drive or a dot, ours refuses them",
    why: "such paths mean other things to shells, logs and other systems",
    parts: true,
    matches: (_, pair) =>
      pair.ours.status === 400 &&
      refusal(pair.ours.body).message === "Invalid path" &&
      /%00|%5C|\\\\|\\u0000|[/"][A-Za-z]:|file:|[/"]\.[/"]/i.test(
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
    id: "dots-in-address",
    what: "an address with . or .. segments is resolved before it is routed",
    why: "as RFC 3986 has it; what is left lies below the artifact root or is another route",
    parts: true,
    matches: (_, pair) => pair.ours.status >= 400 && /\/\.{1,2}(\/|$)|\/(%2e){1,2}(\/|$)/i.test(pair.call.path),
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
      path: /mlflow-artifacts\/artifacts\/.*\/(\/|%2F)/,
      says: /^Invalid artifact path/,
    }),
  },
  {
    id: "quotes-in-file-name",
    what: "a file name with quotes is escaped by MLflow, replaced by ours beside the encoded name",
    why: "readers of headers that know no escapes are not led astray",
    matches: ({ at, theirs }) => at === "headers.content-disposition" && /["\\].*["\\].*["\\]/.test(String(theirs)),
  },
  {
    id: "range-words",
    what: "MLflow answers 416 with nothing, ours says what range was asked for",
    why: "the status says the same to a client",
    matches: ({ at }, pair) => at === "body" && pair.theirs.status === 416 && pair.ours.status === 416,
  },
  {
    id: "many-ranges",
    what: "MLflow answers a request for several ranges in parts, ours with the whole file",
    why: "RFC 9110 leaves it to the server; the client asks for one",
    matches: (_, pair) =>
      pair.theirs.status === 206 && pair.ours.status === 200 && (pair.call.headers?.range ?? "").includes(","),
  },
  {
    id: "empty-folder",
    what: "MLflow still lists a folder whose last file was deleted, ours does not",
    why: "objects have no folders; nothing is in it",
    matches: ({ at, theirs, ours }, pair) => {
      const files = (list: Json | undefined) =>
        Array.isArray(list) ? (list as { path: string; is_dir: boolean }[]) : [];
      const kept = files(ours).map(({ path }) => path);
      const gone = files(theirs).filter(({ path }) => !kept.includes(path));
      const isListed = at === "body.files" && gone.length > 0 && gone.every(({ is_dir }) => is_dir);
      return (
        isListed ||
        pairIs({ theirs: 400, ours: 404, path: /artifact/, says: /refers to a directory/ })({ at, theirs, ours }, pair)
      );
    },
  },
];
