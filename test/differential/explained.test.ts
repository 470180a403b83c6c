import { expect, it } from "vitest";
import type { Call, Json } from "./call.ts";
import { differences } from "./compare.ts";
import { explain } from "./explained.ts";
import type { Answer } from "./normalize.ts";

const answer = (status: number, body: Json): Answer => ({ status, body, headers: {} });
const refusal = (message: string, status = 400) => answer(status, { error_code: "INVALID_PARAMETER_VALUE", message });
const posted = (path: string, body: Json): Call => ({ method: "POST", path: `/api/2.0/mlflow/${path}`, body });

/** The rules that a pair meets; `-` for what none explains. */
function rules(call: Call, theirs: Answer, ours: Answer): string {
  const { explained, unexplained } = explain({ call, before: [], theirs, ours }, differences(theirs, ours));
  return [...explained.map(({ rule }) => rule.id), ...(unexplained.length === 0 ? [] : ["-"])].join(" ");
}

const search = posted("runs/search", { filter: "params.a > 1 AND nope.b = 'x'" });
const theirEntity = "Invalid entity type 'nope'. Valid values are ['metric']";
const ourEntity = (word: string, at: number) =>
  `Invalid entity type '${word}'. Valid values are ['metric'] (in filter at position ${at})`;

it.each([
  ["a name where it is", ourEntity("nope", 17), "filter-position"],
  ["a name where it is not", ourEntity("nope", 3), "-"],
  ["another name", ourEntity("params", 0), "-"],
])("words about a filter are explained for %s", (_, message, expected) => {
  expect(rules(search, refusal(theirEntity), refusal(message))).toBe(expected);
});

it("no words explain another status or code", () => {
  expect(rules(search, refusal(theirEntity), refusal(ourEntity("nope", 17), 404))).toBe("-");
  expect(rules(search, answer(200, {}), refusal(ourEntity("nope", 17)))).toBe("-");
  expect(
    rules(search, answer(400, { error_code: "BAD_REQUEST", message: theirEntity }), refusal(ourEntity("nope", 17))),
  ).toBe("-");
});

it("no words explain that a page's own token is refused", () => {
  const page = posted("runs/search", { filter: "", page_token: "{token#0}" });
  const pair = {
    call: page,
    theirs: answer(200, {}),
    ours: refusal("Invalid page token, it is not one of this server's"),
  };
  const ids = (before: readonly Call[]) =>
    explain({ ...pair, before }, differences(pair.theirs, pair.ours)).explained.map(({ rule }) => rule.id);

  expect(ids([posted("runs/search", { filter: "" })])).toEqual([]);
  expect(ids([])).toEqual(["token-forged"]);
});

const metric = (value: Json) => posted("runs/log-metric", { run_id: "r", key: "a", value, timestamp: 1 });
const wrong = (shown: string) =>
  `Invalid value ${shown} for parameter 'value' supplied:  Hint: Value was of type 'str'. See the API docs`;

it.each([
  ["abc", '"abc"', 200, "half-read"],
  ["abc", '"abc"', 500, "fault-for-type"],
  ["1e3", '"1e3"', 200, "-"],
  ["abc", '"other"', 200, "-"],
])("a refused value has to be there and be wrong: %j as %s", (value, shown, status, expected) => {
  expect(rules(metric(value), answer(status, {}), refusal(wrong(shown)))).toBe(expected);
});

it("another fault is explained where both faults are in the request", () => {
  const missing = (name: string) =>
    refusal(`Missing value for required parameter '${name}'. See the API docs for more information`);
  const batch = posted("runs/log-batch", { run_id: "", params: [{ key: "" }] });

  expect(rules(batch, missing("run_id"), missing("params[0].key"))).toBe("first-fault");
  expect(rules(posted("runs/log-batch", { run_id: "r" }), missing("params[0].key"), missing("run_id"))).toBe("-");
});

it("no rule explains a refusal that says what is not so", () => {
  const made = (name: string) => posted("registered-models/create", { name });
  const limit = refusal("'name' exceeds the maximum length of 255 characters");

  expect(rules(made("m".repeat(256)), answer(200, {}), limit)).toBe("model-name-limit");
  expect(rules(made("m"), answer(200, {}), limit)).toBe("-");
});
