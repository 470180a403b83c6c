import type { Call, Json } from "./call.ts";
import type { Failure } from "./lane.ts";

export interface Failing {
  readonly calls: readonly Call[];
  readonly failure: Failure;
}

const TRIES = 80;

/** A shorter and simpler sequence that fails in the same place in the same way, found by leaving out calls, then fields and list entries. */
export async function shrink(
  found: Failing,
  run: (calls: readonly Call[]) => Promise<Failure | undefined>,
): Promise<Failing> {
  let best: Failing = { calls: found.calls.slice(0, found.failure.index + 1), failure: found.failure };
  let tries = 0;
  const wanted = signature(found.failure);
  async function isStill(calls: readonly Call[]): Promise<boolean> {
    if (tries++ >= TRIES) return false;
    const failure = await run(calls);
    if (failure === undefined || signature(failure) !== wanted) return false;
    best = { calls: calls.slice(0, failure.index + 1), failure };
    return true;
  }
  for (let i = best.calls.length - 2; i >= 0; i--) await isStill(best.calls.filter((_, j) => j !== i));
  for (let i = best.calls.length - 1; i >= 0; i--) await simplify(i, () => best.calls, isStill);
  return best;
}

async function simplify(
  i: number,
  calls: () => readonly Call[],
  isStill: (calls: readonly Call[]) => Promise<boolean>,
): Promise<void> {
  for (let more = true; more; ) {
    more = false;
    const call = calls()[i];
    if (call === undefined) return;
    for (const simpler of simplerCalls(call)) {
      if (!(await isStill(calls().map((each, j) => (j === i ? simpler : each))))) continue;
      more = true;
      break;
    }
  }
}

function* simplerCalls(call: Call): Generator<Call> {
  if (call.body !== undefined) for (const body of simplerJson(call.body)) yield { ...call, body };
  const { query } = call;
  if (query !== undefined)
    for (let i = 0; i < query.length; i++) yield { ...call, query: query.filter((_, j) => j !== i) };
}

function* simplerJson(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    if (list.length > 8) yield list.slice(0, list.length / 2);
    for (let i = 0; i < Math.min(list.length, 8); i++) yield list.filter((_, j) => j !== i);
    for (let i = 0; i < Math.min(list.length, 8); i++)
      for (const each of simplerJson(list[i] ?? null)) yield list.map((old, j) => (j === i ? each : old));
  } else if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value);
    for (const [name] of fields) yield Object.fromEntries(fields.filter(([other]) => other !== name));
    for (const [name, old] of fields) for (const each of simplerJson(old)) yield { ...value, [name]: each };
  }
}

/** What makes two failures the same: the endpoint, the places that differ, both statuses. */
export function signature({ pair, unexplained }: Failure): string {
  const places = unexplained.map(({ at }) => at.replace(/\[\d+\]/g, "[]"));
  const path = pair.call.path
    .replace(/\{.*?\}|m-\w+/g, "*")
    .split("/")
    .slice(0, 6)
    .join("/");
  const about = pair.call.path.includes("mlflow-artifacts") ? pair.call.path.split("/").slice(0, 5).join("/") : path;
  return [pair.call.method, about, pair.theirs.status, pair.ours.status, ...new Set(places)].join(" ");
}
