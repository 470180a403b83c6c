import fc from "fast-check";
import type { Call } from "../call.ts";
import { artifactCalls } from "./artifacts.ts";
import {
  createLoggedModel,
  loggedModelCalls,
  plainLoggedModel,
  plainModel,
  plainVersion,
  registryCalls,
} from "./models.ts";
import { searchExperiments, searchLoggedModels, searchModels, searchRuns, searchVersions } from "./search.ts";
import { settle } from "./settle.ts";
import {
  createExperiment,
  datasetCalls,
  experimentCalls,
  historyCalls,
  logCalls,
  opening,
  runCalls,
} from "./tracking.ts";
import type { Gen } from "./values.ts";
import { spoiled } from "./wire.ts";

type Weighted = readonly (readonly [number, Gen<Call>])[];
type Steps = readonly (readonly [number, Gen<readonly Call[]>])[];

const steps = (calls: Weighted): Steps => calls.map(([weight, call]) => [weight, call.map((each) => [each])]);
const oneOf = (of: Steps): Gen<readonly Call[]> =>
  fc.oneof(...of.map(([weight, arbitrary]) => ({ weight, arbitrary })));
const weighted = (weight: number, of: Steps): Steps => {
  const sum = of.reduce((total, [each]) => total + each, 0);
  return of.map(([each, arbitrary]) => [(each * weight) / sum, arbitrary]);
};
/** Weights of fast-check are whole numbers. */
const whole = (of: Steps): Steps => of.map(([weight, arbitrary]) => [Math.max(1, Math.round(weight * 100)), arbitrary]);

/** What a sequence is about: most calls of one sort, so that they meet each other's traces, and some of its neighbours. */
const THEMES: Readonly<Record<string, { readonly start: Gen<readonly Call[]>; readonly rest: Steps }>> = {
  experiments: {
    start: createExperiment.map((each) => [each]),
    rest: [...weighted(5, steps(experimentCalls)), [3, searchExperiments], ...weighted(1, steps(runCalls))],
  },
  runs: {
    start: opening,
    rest: [
      ...weighted(6, steps(runCalls)),
      ...weighted(3, steps(logCalls)),
      ...weighted(1, steps(experimentCalls)),
      [2, searchRuns],
    ],
  },
  metrics: {
    start: opening,
    rest: [
      ...weighted(6, steps(logCalls)),
      ...weighted(5, steps(historyCalls)),
      ...weighted(1, steps(runCalls)),
      [1, searchRuns],
    ],
  },
  "search of runs": {
    start: fc
      .tuple(opening, fc.array(oneOf(steps(logCalls)), { minLength: 3, maxLength: 6 }))
      .map(([calls, more]) => [...calls, ...more.flat()]),
    rest: [
      [8, searchRuns],
      ...weighted(2, steps(logCalls)),
      ...weighted(1, steps(runCalls)),
      ...weighted(1, steps(datasetCalls)),
    ],
  },
  datasets: {
    start: fc.tuple(opening, plainLoggedModel).map(([calls, model]) => [...calls, model]),
    rest: [
      ...weighted(6, steps(datasetCalls)),
      ...weighted(2, steps(runCalls)),
      [2, searchRuns],
      ...weighted(1, steps(loggedModelCalls)),
    ],
  },
  "logged models": {
    start: fc.tuple(opening, plainLoggedModel, createLoggedModel).map(([calls, ...models]) => [...calls, ...models]),
    rest: [
      ...weighted(5, steps(loggedModelCalls)),
      [4, searchLoggedModels],
      ...weighted(4, steps(logCalls)),
      ...weighted(1, steps(experimentCalls)),
    ],
  },
  registry: {
    start: fc
      .tuple(opening, plainLoggedModel)
      .map(([calls, model]) => [...calls.slice(0, 2), model, plainModel("m"), plainVersion("m")]),
    rest: [...weighted(8, steps(registryCalls)), [1, searchModels], [1, searchVersions]],
  },
  "search of the registry": {
    start: fc.constant([plainModel("m"), plainVersion("m"), plainVersion("m"), plainModel("net"), plainVersion("net")]),
    rest: [[4, searchModels], [4, searchVersions], ...weighted(3, steps(registryCalls))],
  },
  artifacts: {
    start: fc.tuple(opening, plainLoggedModel).map(([calls, model]) => [...calls, model]),
    rest: steps(artifactCalls),
  },
};
const ALL: Steps = [
  experimentCalls,
  runCalls,
  logCalls,
  historyCalls,
  datasetCalls,
  loggedModelCalls,
  registryCalls,
].flatMap((calls) => steps(calls));

const themes = Object.values(THEMES).map(({ start, rest }) =>
  fc
    .tuple(start, fc.array(oneOf(whole(rest)), { minLength: 4, maxLength: 14 }))
    .map(([calls, more]) => [...calls, ...more.flat()]),
);
/** Requests that no client of this version sends: fields left out, of wrong types, null, foreign. */
const wire = fc
  .tuple(
    opening,
    plainLoggedModel,
    fc.array(
      oneOf(ALL).chain(([call]) =>
        call === undefined ? fc.constant<Call[]>([]) : spoiled(call).map((each) => [each]),
      ),
      { minLength: 4, maxLength: 12 },
    ),
  )
  .map(([calls, model, more]) => [...calls, model, plainModel("m"), plainVersion("m"), ...more.flat()]);

export const sequence: Gen<readonly Call[]> = fc.oneof(...themes, wire).map(settle);

export const THEME_NAMES = [...Object.keys(THEMES), "wire"] as const;
/** Sequences of one theme only. */
export function sequenceOf(theme: string): Gen<readonly Call[]> {
  const chosen = [...themes, wire][THEME_NAMES.indexOf(theme)];
  if (chosen === undefined) throw new Error(`there is no theme \`${theme}\`; themes: ${THEME_NAMES.join(", ")}`);
  return chosen.map(settle);
}
