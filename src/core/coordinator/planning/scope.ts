import { tokenize, wholeBinding } from "../../../contract/expressions.ts";
import type { JobInput } from "../../../contract/jobs.ts";

/** An input of a nested pipeline that another step's output will be. */
export interface Later {
  readonly later: true;
  readonly type?: string;
}

/** What `${{parent.inputs.NAME}}` stands for. */
export type Scope = Readonly<Record<string, JobInput | Later>>;

/** The binding that a text is, but for `parent`: `["jobs", "train", "outputs", "model"]`. */
export function boundPath(text: string | undefined): readonly string[] | undefined {
  const path = text === undefined ? undefined : wholeBinding(text)?.path;
  return path?.[0] === "parent" ? path.slice(1) : undefined;
}

/** Puts the pipeline's inputs into a text. What is not known, or not given, stays as it is written. */
export function fill(text: string, scope: Scope): string {
  if (!text.includes("${{")) return text;
  return tokenize(text)
    .map((token) => {
      if (token.kind !== "binding" || token.path[0] !== "parent" || token.path[1] !== "inputs") return token.raw;
      const input = scope[token.path.slice(2).join(".")];
      return (input === undefined || "later" in input ? undefined : textOf(input)) ?? token.raw;
    })
    .join("");
}

export function textOf(input: JobInput): string | undefined {
  return "path" in input ? input.path : input.value;
}

/** The same in every text of a value. What was one binding and reads as a number or a boolean where none but a text was bound is one. */
export function fillAll(value: unknown, scope: Scope): unknown {
  if (typeof value === "string") return fillOne(value, scope);
  if (Array.isArray(value)) return value.map((item) => fillAll(item, scope));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fillAll(inner, scope)]));
}

function fillOne(text: string, scope: Scope): string | number | boolean {
  const path = boundPath(text);
  const filled = fill(text, scope);
  const input = path?.[0] === "inputs" ? scope[path.slice(1).join(".")] : undefined;
  if (input === undefined || filled === text) return filled;
  if ((input.type === "integer" || input.type === "number") && Number.isFinite(Number(filled))) return Number(filled);
  return input.type === "boolean" ? /^(?:true|1)$/i.test(filled) : filled;
}

/** A binding that nobody has filled is still in it. */
export function hasBinding(value: unknown): boolean {
  return JSON.stringify(value ?? "").includes("${{parent.");
}
