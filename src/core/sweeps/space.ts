import type {
  ChoiceOption,
  ChoiceParameter,
  NumberParameter,
  SearchParameter,
  SearchSpace,
} from "../../contract/sweeps.ts";
import { textOfNumber } from "./distributions.ts";

/** One thing to draw. Slots are in the order they were written; a choice comes before what its options hold. */
export interface Slot {
  /** As `${{search_space.NAME}}` has it; a member of a choice's option is `<choice>.<member>`. */
  readonly name: string;
  readonly draw: NumberParameter | { readonly type: "choice"; readonly options: number };
  /** Exists only where this choice took this option. */
  readonly within?: { readonly slot: number; readonly option: number };
}

/** A value for each slot: of a choice the option's place, else the number; undefined where the slot does not exist. */
export type Point = readonly (number | undefined)[];

export function slotsOf(space: SearchSpace): readonly Slot[] {
  const slots: Slot[] = [];
  for (const [name, parameter] of Object.entries(space)) addSlots(slots, name, parameter);
  return slots;
}

function addSlots(slots: Slot[], name: string, parameter: SearchParameter, within?: Slot["within"]): void {
  const condition = within === undefined ? {} : { within };
  if (parameter.type !== "choice") {
    slots.push({ name, draw: parameter, ...condition });
    return;
  }
  const slot = slots.push({ name, draw: { type: "choice", options: parameter.values.length }, ...condition }) - 1;
  for (const [option, value] of parameter.values.entries()) {
    if (typeof value === "string") continue;
    for (const [member, inner] of Object.entries(value)) {
      if (typeof inner !== "string") addSlots(slots, `${name}.${member}`, inner, { slot, option });
    }
  }
}

/** All parameters that a trial may have. */
export function parameterNames(space: SearchSpace): readonly string[] {
  const names = new Set<string>();
  const visit = (name: string, parameter: SearchParameter): void => {
    names.add(name);
    if (parameter.type !== "choice") return;
    for (const option of parameter.values) {
      if (typeof option === "string") continue;
      for (const [member, inner] of Object.entries(option)) {
        if (typeof inner === "string") names.add(`${name}.${member}`);
        else visit(`${name}.${member}`, inner);
      }
    }
  };
  for (const [name, parameter] of Object.entries(space)) visit(name, parameter);
  return [...names];
}

/** Fills the slots that exist, in order. */
export function fillSlots(slots: readonly Slot[], pick: (slot: Slot, at: number) => number): Point {
  const point: (number | undefined)[] = [];
  for (const [at, slot] of slots.entries()) {
    const exists = slot.within === undefined || point[slot.within.slot] === slot.within.option;
    point.push(exists ? pick(slot, at) : undefined);
  }
  return point;
}

/**
 * Parameters of a trial as they go into its command. Of a choice between maps, each member is a parameter `<choice>.<member>`,
 * and the choice itself is the map as JSON.
 */
export function parametersOf(space: SearchSpace, point: Point): Record<string, string> {
  const made: Record<string, string> = {};
  let at = 0;
  for (const [name, parameter] of Object.entries(space)) draw(name, parameter);
  return made;

  /** The value as JSON holds it; also goes past the slots of options that were not taken. */
  function draw(name: string, parameter: SearchParameter): unknown {
    const value = point[at++];
    if (parameter.type === "choice") return drawChoice(name, parameter, value);
    if (value !== undefined) made[name] = textOfNumber(value);
    return value;
  }

  function drawChoice(name: string, { values }: ChoiceParameter, taken: number | undefined): unknown {
    let chosen: unknown;
    for (const [option, value] of values.entries()) {
      const isTaken = option === taken;
      if (typeof value === "string") {
        if (!isTaken) continue;
        chosen = plain(value);
        made[name] = value;
      } else {
        const members = drawMembers(name, value, isTaken);
        if (!isTaken) continue;
        chosen = members;
        made[name] = JSON.stringify(members);
      }
    }
    return chosen;
  }

  function drawMembers(name: string, option: Exclude<ChoiceOption, string>, isTaken: boolean): unknown {
    const members = Object.entries(option).map(([member, inner]) => {
      const inside = `${name}.${member}`;
      if (typeof inner !== "string") return [member, draw(inside, inner)];
      if (isTaken) made[inside] = inner;
      return [member, plain(inner)];
    });
    return Object.fromEntries(members);
  }
}

/** Text of a file as JSON has it: `0.1` is a number, `relu` is text. */
function plain(text: string): unknown {
  if (text === "True" || text === "False") return text === "True";
  if (!/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)$/.test(text)) return text;
  return JSON.parse(text);
}
