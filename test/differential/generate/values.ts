import fc from "fast-check";
import type { Json } from "../call.ts";

export type Gen<T> = fc.Arbitrary<T>;
export const pick = <T>(...items: readonly T[]): Gen<T> => fc.constantFrom(...items);

/** Mostly the first, one time in `odds` the second. */
export function seldom<T>(usual: Gen<T>, odd: Gen<T>, odds = 12): Gen<T> {
  return fc.oneof({ weight: odds - 1, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

/** A field that is left out now and then: `undefined` fields are not sent. */
export const maybe = <T>(arbitrary: Gen<T>, freq = 2): Gen<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq });

/** An object without the fields that are undefined. */
export function record(fields: { readonly [name: string]: Gen<Json | undefined> }): Gen<{ [name: string]: Json }> {
  return fc
    .record(fields)
    .map(
      (made) =>
        Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)) as { [name: string]: Json },
    );
}

const LONG_250 = "k".repeat(250);
const unicode = pick("ünï", "日本語", "emoji 🚂", "a\u0301", "ﬁ", "Ω", "ß", "\u200b", "İ");

/** Any text a person or a program might send. */
export const anyText: Gen<string> = fc.oneof(
  { weight: 4, arbitrary: pick("a", "b", "A", "value", "x y", "1", "0.5", "true", "None", "null") },
  { weight: 2, arbitrary: unicode },
  {
    weight: 1,
    arbitrary: pick(
      "",
      " ",
      "\n",
      "tab\there",
      "it's",
      'say "hi"',
      "back\\slash",
      "%",
      "_",
      "a%b",
      "<b>&amp;</b>",
      "'; DROP TABLE runs; --",
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
);

/** Keys of metrics, params and tags, few enough to meet again. */
export const goodKey: Gen<string> = fc.oneof(
  { weight: 6, arbitrary: pick("a", "b", "loss", "A") },
  { weight: 2, arbitrary: pick("acc/x", "k with space", "a.b", "x:y", "0", "-", "ünï", "日本", "system/cpu") },
);
export const anyKey: Gen<string> = seldom(
  goodKey,
  pick(
    "",
    "a//b",
    "../x",
    "/abs",
    ".",
    "./a",
    "a/",
    "a\nb",
    "a*b",
    "a'b",
    "emoji🚂",
    " ",
    LONG_250,
    `${LONG_250}k`,
    "ü".repeat(250),
    "a/../b",
    "..",
    "key%2F",
    "a\\b",
  ),
  14,
);

const sized = (limit: number): Gen<string> =>
  pick("v".repeat(limit), "v".repeat(limit + 1), "é".repeat(limit), `${"w".repeat(limit)}🚂`);
export const paramValue = seldom(anyText, sized(6000), 60);
export const tagValue = seldom(anyText, sized(8000), 60);
export const experimentTagValue = seldom(anyText, sized(20_000), 60);
export const registryTagValue = seldom(anyText, sized(100_000), 80);
export const description = seldom(anyText, sized(5000), 60);

export const metricValue: Gen<Json> = fc.oneof(
  { weight: 8, arbitrary: pick<Json>(0, 1, -1, 0.5, 2, 3, 0.1, 1e-7) },
  {
    weight: 3,
    arbitrary: pick<Json>("NaN", "Infinity", "-Infinity", 1e308, -1e308, 5e-324, 123456789012, 9007199254740991, -0.0),
  },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: pick<Json>("1.5", "1e3") },
);
export const badMetricValue = pick<Json>("abc", "", true, null, [1], { a: 1 }, "nan", "inf", "0x10", " 1", "1_0");

export const timestamp: Gen<Json> = fc.oneof(
  { weight: 8, arbitrary: pick<Json>(0, 1, 2, 1000, 2000, 1_600_000_000_000) },
  { weight: 1, arbitrary: pick<Json>("1000", 9_007_199_254_740_991, 1e12) },
);
export const badTimestamp = pick<Json>(-1, 1.5, "x", true, null, "", "1.0", [], "-5");

export const step: Gen<Json> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: pick<Json>(-1, -3, "2", 9_007_199_254_740_991, -9_007_199_254_740_991, 100) },
);
export const badStep = pick<Json>(1.5, "x", true, null, "", "9223372036854775808");

export const runId: Gen<string> = seldom(
  fc.nat(4).map((n) => `{run#${n}}`),
  pick("", "0".repeat(32), "not a run", "../x", "日本", "a".repeat(300), "{model#0}", "{run#0}x", "-x"),
  20,
);
export const modelId: Gen<string> = seldom(
  fc.nat(4).map((n) => `{model#${n}}`),
  pick("", `m-${"0".repeat(32)}`, "not a model", "{run#0}", "m-"),
  20,
);
export const experimentId: Gen<string> = seldom(
  fc.oneof({ weight: 3, arbitrary: pick("1") }, { weight: 2, arbitrary: pick("0", "2", "3") }),
  pick("", "99", "x", "-1", "1.0", "007", "01", " 1", "99999999999999999999", "1;", "日"),
  25,
);

export const experimentName: Gen<string> = seldom(
  fc.oneof(
    { weight: 6, arbitrary: pick("first", "second", "Third", "fourth/x", "fünf", "a b", "first_2") },
    { weight: 1, arbitrary: anyText },
  ),
  pick("", "e".repeat(500), "e".repeat(501), "Default", "../up", "a/b:c", "日".repeat(500)),
  14,
);
export const modelName: Gen<string> = seldom(
  pick("m", "m", "net", "Net", "mödel", "a b", "net_2", "x.y"),
  fc.oneof(
    pick(
      "",
      " ",
      "a/b",
      "a:b",
      "..",
      ".",
      "../x",
      "n".repeat(255),
      "n".repeat(256),
      "n".repeat(257),
      "m%2F",
      "🚂",
      "it's",
      "a\\b",
    ),
    anyText,
  ),
  14,
);
export const version: Gen<string> = seldom(
  pick("1", "1", "2", "3"),
  pick("", "0", "-1", "x", "01", "1.0", "99", " 1", "+1", "9223372036854775808"),
  20,
);
export const alias: Gen<string> = seldom(
  pick("champion", "prod", "Prod", "a-b_c", "é"),
  pick("", "latest", "LATEST", "v1", "V22", "v", "a b", "a/b", "x".repeat(255), "x".repeat(256), "1", "🚂", "v1x"),
  8,
);
export const stage: Gen<string> = seldom(
  pick("Staging", "Production", "Archived", "None", "staging", "PRODUCTION"),
  pick("", "zzz", "none ", "Prod"),
  14,
);
