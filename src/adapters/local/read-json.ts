import { readIfPresent } from "./files.ts";

/** A JSON file as data; undefined where it is absent or half-written. */
export function readJson<T extends object>(path: string): T | undefined {
  const bytes = readIfPresent(path);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
