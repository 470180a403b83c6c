import { invalid, missing } from "../../core/tracking/errors.ts";
import { toInteger, toNumber, wrongType } from "../../core/tracking/log.ts";

/**
 * Fields of one request, from a JSON body or a query, read by type with the messages clients assert on. `null` is absent. As with MLflow, whose
 * bodies are protobuf's JSON, a field that may be left out may also be written in camel case.
 */
export class Args {
  private readonly fields: Readonly<Record<string, unknown>>;
  private readonly path: string;

  constructor(fields: Readonly<Record<string, unknown>>, path = "") {
    this.fields = fields;
    this.path = path;
  }

  raw(name: string): unknown {
    const value = Object.hasOwn(this.fields, name) ? this.fields[name] : undefined;
    return value === null ? undefined : value;
  }

  /** Of a field that may be left out. */
  optional(name: string): unknown {
    const value = this.raw(name);
    if (value !== undefined || !name.includes("_")) return value;
    return this.raw(name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  }

  private at(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  text(name: string): string | undefined {
    const value = this.optional(name);
    return value === undefined ? undefined : this.asText(name, value);
  }

  private asText(name: string, value: unknown): string {
    if (typeof value !== "string") throw wrongType(this.at(name), value);
    return value;
  }

  /** Absent and empty are the same to a protobuf. */
  required(name: string): string {
    const value = this.raw(name);
    if (value === undefined || value === "") throw missing(this.at(name));
    return this.asText(name, value);
  }

  int(name: string): number | undefined {
    const value = this.optional(name);
    return value === undefined ? undefined : toInteger(value, this.at(name));
  }

  requiredInt(name: string): number {
    const value = this.raw(name);
    if (value === undefined) throw missing(this.at(name));
    return toInteger(value, this.at(name));
  }

  number(name: string): number | undefined {
    const value = this.optional(name);
    return value === undefined ? undefined : toNumber(value, this.at(name));
  }

  flag(name: string): boolean | undefined {
    const value = this.optional(name);
    if (value === undefined || typeof value === "boolean") return value;
    if (typeof value === "string" && /^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
    throw wrongType(this.at(name), value);
  }

  texts(name: string): string[] {
    const value = this.optional(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw wrongType(this.at(name), value);
    value.forEach((each, i) => {
      if (typeof each !== "string") throw wrongType(`${this.at(name)}[${i}]`, each);
    });
    return value as string[];
  }

  objects(name: string): Args[] {
    const value = this.optional(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw wrongType(this.at(name), value);
    return value.map((each: unknown, i) => {
      const path = `${this.at(name)}[${i}]`;
      if (typeof each !== "object" || each === null || Array.isArray(each)) throw wrongType(path, each);
      return new Args(each as Record<string, unknown>, path);
    });
  }

  object(name: string): Args | undefined {
    const value = this.optional(name);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrongType(this.at(name), value);
    return new Args(value as Record<string, unknown>, this.at(name));
  }

  /** Key and value of tags and params. */
  pairs(name: string): [string, string][] {
    return this.objects(name).map((entry) => [entry.required("key"), entry.text("value") ?? ""]);
  }

  /** A name of the enum, or its number. */
  oneOf<T extends string>(name: string, numbers: Readonly<Record<number, T>>): T | undefined {
    const value = this.optional(name);
    if (value === undefined) return undefined;
    const known = Object.values(numbers);
    if (typeof value === "string" && known.includes(value as T)) return value as T;
    const byNumber = typeof value === "object" ? undefined : numbers[Number(value)];
    if (byNumber !== undefined && (typeof value === "number" || /^\d+$/.test(String(value)))) return byNumber;
    throw invalid(
      `Invalid value ${JSON.stringify(value)} for parameter '${this.at(name)}' supplied: It must be one of ${known.join(", ")}`,
    );
  }
}

export const RUN_STATUS = { 1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED" } as const;
export const VIEW = { 1: "ACTIVE_ONLY", 2: "DELETED_ONLY", 3: "ALL" } as const;
export const LOGGED_MODEL_STATUS = {
  1: "LOGGED_MODEL_PENDING",
  2: "LOGGED_MODEL_READY",
  3: "LOGGED_MODEL_UPLOAD_FAILED",
} as const;

export function viewOf(args: Args, name: string): "active" | "deleted" | "all" {
  const view = args.oneOf(name, VIEW);
  return view === "DELETED_ONLY" ? "deleted" : view === "ALL" ? "all" : "active";
}
