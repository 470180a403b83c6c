export type Data = Record<string, unknown>;

export function record(value: unknown): Data {
  return typeof value === "object" && value !== null ? (value as Data) : {};
}

export function pick(value: Data, keys: readonly string[]): Data {
  return Object.fromEntries(
    keys.flatMap((key) => (value[key] === undefined || value[key] === null ? [] : [[key, value[key]]])),
  );
}

export function without(value: Data, keys: readonly string[]): Data {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
