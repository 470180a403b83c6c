import type { SearchParameter, SearchSpace } from "../../contract/sweeps.ts";
import type { Point } from "./space.ts";

/** How many points a grid has; choices only, so anything else counts as one. */
export function gridSize(space: SearchSpace): number {
  return Object.values(space).reduce((size, parameter) => size * waysOf(parameter), 1);
}

function waysOf(parameter: SearchParameter): number {
  if (parameter.type !== "choice") return 1;
  return parameter.values.reduce((sum, option) => sum + waysOfOption(option), 0);
}

function waysOfOption(option: OptionOf): number {
  if (typeof option === "string") return 1;
  return membersOf(option).reduce((ways, inner) => ways * waysOf(inner), 1);
}

type OptionOf = Extract<SearchParameter, { type: "choice" }>["values"][number];

function membersOf(option: Exclude<OptionOf, string>): readonly SearchParameter[] {
  return Object.values(option).filter((inner) => typeof inner !== "string");
}

/** A point of the grid; the last parameter changes fastest, as in nested loops. */
export function gridPoint(space: SearchSpace, index: number): Point {
  const point: (number | undefined)[] = [];
  addAll(point, Object.values(space), index);
  return point;
}

/** One digit for each parameter, of a number whose digits have as many values as the parameter has ways. */
function addAll(
  point: (number | undefined)[],
  parameters: readonly SearchParameter[],
  index: number | undefined,
): void {
  let rest = index;
  let below = parameters.reduce((size, parameter) => size * waysOf(parameter), 1);
  for (const parameter of parameters) {
    below /= waysOf(parameter);
    addOne(point, parameter, rest === undefined ? undefined : Math.floor(rest / below));
    if (rest !== undefined) rest %= below;
  }
}

function addOne(point: (number | undefined)[], parameter: SearchParameter, way: number | undefined): void {
  const slot = point.push(undefined) - 1;
  if (parameter.type !== "choice") return;
  let rest = way;
  for (const [option, value] of parameter.values.entries()) {
    const ways = waysOfOption(value);
    const here = rest !== undefined && rest >= 0 && rest < ways ? rest : undefined;
    if (here !== undefined) point[slot] = option;
    if (typeof value !== "string") addAll(point, membersOf(value), here);
    if (rest !== undefined) rest -= ways;
  }
}
