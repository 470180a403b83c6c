import type { Call, Json } from "../call.ts";

type Fields = { readonly [name: string]: Json };

/**
 * Makes a sequence's answers the same on any server: ties that only random ids or made-up names would break are not left. Runs begin one millisecond
 * apart, and what is sorted or filtered by name has one.
 */
export function settle(calls: readonly Call[]): readonly Call[] {
  const asksNames = calls.some(
    ({ path, body, query }) => path.endsWith("/search") && /name/i.test(JSON.stringify([body, query])),
  );
  return calls.map((call, i) => {
    const { body } = call;
    if (typeof body !== "object" || body === null || Array.isArray(body)) return call;
    const fields = body as Fields;
    if (call.path.endsWith("/runs/create")) return { ...call, body: settledRun(fields, i, asksNames) };
    const isModel = call.path.endsWith("/mlflow/logged-models");
    return isModel && asksNames && (fields.name ?? "") === ""
      ? { ...call, body: { ...fields, name: `model ${i}` } }
      : call;
  });
}

function settledRun(fields: Fields, i: number, asksNames: boolean): Fields {
  const start = fields.start_time;
  const begun =
    Number(start) > 0
      ? { ...fields, start_time: typeof start === "string" ? String(Number(start) + i) : Number(start) + i }
      : fields;
  return asksNames && (fields.run_name ?? "") === "" ? { ...begun, run_name: `run ${i}` } : begun;
}
