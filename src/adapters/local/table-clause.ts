import type { Clause, Item } from "../../core/ports/table.ts";

/** Whether every clause holds for the item as it stands (undefined: no such item). */
export function clausesHold(clauses: readonly Clause[], item: Item | undefined): boolean {
  return clauses.every((clause) => holds(clause, item));
}

/** A copy the caller can't reach. */
export function frozenClause(clause: Clause): Clause {
  const isFlat = "value" in clause ? typeof clause.value !== "object" : !("values" in clause);
  return isFlat ? { ...clause } : structuredClone(clause);
}

function holds(clause: Clause, item: Item | undefined): boolean {
  const actual = item !== undefined && Object.hasOwn(item, clause.attr) ? item[clause.attr] : undefined;
  switch (clause.op) {
    case "exists":
      return actual !== undefined;
    case "absent":
      return actual === undefined;
    case "eq":
      return sameValue(actual, clause.value);
    case "ne":
      return !sameValue(actual, clause.value);
    case "in":
      return clause.values.some((value) => sameValue(actual, value));
    case "lt":
      return order(actual, clause.value, (sign) => sign < 0);
    case "le":
      return order(actual, clause.value, (sign) => sign <= 0);
    case "gt":
      return order(actual, clause.value, (sign) => sign > 0);
    case "ge":
      return order(actual, clause.value, (sign) => sign >= 0);
  }
}

/** Values of two types have no order, so every comparison between them is false. */
function order(left: unknown, right: unknown, test: (sign: number) => boolean): boolean {
  if (typeof left === "number" && typeof right === "number") {
    return test(left - right);
  }
  if (typeof left === "string" && typeof right === "string") {
    return test(compareBytes(left, right));
  }
  return false;
}

/** Order of the UTF-8 forms; JavaScript's own `<` compares UTF-16 units, which differs beyond U+FFFF. */
export function compareBytes(left: string, right: string): number {
  return left === right ? 0 : Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) {
    return true;
  }
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) {
    return false;
  }
  if (Array.isArray(left) || Array.isArray(right)) {
    return (
      Array.isArray(left) &&
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((element, at) => sameValue(element, right[at]))
    );
  }
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  }
  const leftEntries = Object.entries(left).filter(([, value]) => value !== undefined);
  const rightValues = new Map(Object.entries(right).filter(([, value]) => value !== undefined));
  return (
    leftEntries.length === rightValues.size &&
    leftEntries.every(([name, value]) => rightValues.has(name) && sameValue(value, rightValues.get(name)))
  );
}
