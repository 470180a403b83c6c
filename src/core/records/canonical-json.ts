import { AppError } from "../../contract/errors.ts";

/** Records hold no deeper values. */
const DEPTH_LIMIT = 30;

/** JSON with sorted keys: equal values give equal text. InvalidArgument for values nested too deep or numbers that JSON can't hold. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > DEPTH_LIMIT) {
    throw new AppError("InvalidArgument", `the value is nested deeper than ${DEPTH_LIMIT} levels`);
  }
  if (Array.isArray(value)) return `[${value.map((member) => canonicalJson(member, depth + 1)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member, depth + 1)}`);
    return `{${members.join(",")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new AppError("InvalidArgument", "the value holds a number that is too large");
  }
  return JSON.stringify(value ?? null);
}
