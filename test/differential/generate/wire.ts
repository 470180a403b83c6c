import fc from "fast-check";
import type { Call, Json } from "../call.ts";
import { type Gen, pick } from "./values.ts";

const wrong = pick<Json>(
  null,
  5,
  0,
  -1,
  1.5,
  "x",
  "",
  true,
  false,
  [],
  ["a"],
  {},
  { key: "a" },
  [null],
  [1],
  [{}],
  "5",
);
type Fields = { readonly [name: string]: Json };

/** The same call with something wrong in it: one field of the body or query, or the request as a whole. */
export function spoiled(call: Call): Gen<Call> {
  const { body } = call;
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return spoiledBody(call, body as Fields);
  const query = call.query ?? [];
  return fc.tuple(fc.nat(10), pick("", "x", "5", "null", "-1")).chain(([at, value]) => {
    const i = query.length === 0 ? -1 : at % query.length;
    return fc.constantFrom<Call>(
      { ...call, query: query.filter((_, j) => j !== i) },
      { ...call, query: query.map(([name, old], j): [string, string] => [name, j === i ? value : old]) },
      { ...call, query: [...query, ...query.slice(0, 1)] },
      { ...call, query: [...query, ["foreign", "1"]] },
    );
  });
}

function spoiledBody(call: Call, body: Fields): Gen<Call> {
  const names = Object.keys(body);
  const name = names.length === 0 ? fc.constant("none") : fc.constantFrom(...names);
  const other = (fields: Fields): Call => ({ ...call, body: fields });
  return fc.oneof(
    {
      weight: 4,
      arbitrary: name.map((each) => other(Object.fromEntries(Object.entries(body).filter(([key]) => key !== each)))),
    },
    { weight: 6, arbitrary: fc.tuple(name, wrong).map(([each, value]) => other({ ...body, [each]: value })) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(name, wrong)
        .map(([each, value]) => other({ ...body, [each]: inside(body[each] ?? null, value) })),
    },
    { weight: 1, arbitrary: wrong.map((value) => other({ ...body, foreign: value })) },
    {
      weight: 1,
      arbitrary: name.map((each) =>
        other(Object.fromEntries(Object.entries(body).map(([key, value]) => [key === each ? camel(key) : key, value]))),
      ),
    },
    {
      weight: 1,
      arbitrary: pick<Call>(
        { ...whole(call), bytes: JSON.stringify(body) },
        { ...whole(call), bytes: JSON.stringify(body), headers: { "content-type": "text/plain" } },
        { ...whole(call), bytes: JSON.stringify(body), headers: { "content-type": "application/json; charset=utf-8" } },
        {
          ...whole(call),
          bytes: JSON.stringify(JSON.stringify(body)),
          headers: { "content-type": "application/json" },
        },
        { ...whole(call), bytes: JSON.stringify(body).slice(1), headers: { "content-type": "application/json" } },
        { ...whole(call), bytes: "", headers: { "content-type": "application/json" } },
        { ...whole(call), bytes: "null", headers: { "content-type": "application/json" } },
        { ...whole(call), bytes: "[]", headers: { "content-type": "application/json" } },
        { ...whole(call), bytes: "5", headers: { "content-type": "application/json" } },
      ),
    },
  );
}

function whole({ method, path }: Call): Call {
  return { method, path };
}

/** A wrong value one level down: in the first entry of a list, or in the first field of an object. */
function inside(value: Json, wrongValue: Json): Json {
  if (Array.isArray(value)) return [inside((value as readonly Json[])[0] ?? null, wrongValue), ...value.slice(1)];
  if (typeof value !== "object" || value === null) return wrongValue;
  const [first] = Object.keys(value);
  return first === undefined ? wrongValue : { ...value, [first]: wrongValue };
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
