import { AppError } from "../contract/errors.ts";
import type { Ctx } from "./context.ts";
import type { Shown } from "./output/shown.ts";

/** A flag as data. `T` is what the command gets. */
export interface Flag<T> {
  readonly kind: "text" | "number" | "choice" | "is";
  readonly brief: string;
  readonly placeholder?: string;
  readonly required: boolean;
  /** May be given several times, or with several values after it. */
  readonly many: boolean;
  readonly choices?: readonly string[];
  /** One letter. */
  readonly short?: string;
  /** Accepted, but not shown in help. */
  readonly hidden: boolean;
  readonly value?: T;
}

type Words = { readonly short?: string; readonly placeholder?: string; readonly hidden?: boolean };

function make<T>(kind: Flag<T>["kind"], brief: string, words: Words, more: Partial<Flag<T>> = {}): Flag<T> {
  return { kind, brief, required: false, many: false, hidden: false, ...words, ...more };
}

/** Makers of flags. */
export const flag = {
  required: (brief: string, words: Words = {}) => make<string>("text", brief, words, { required: true }),
  text: (brief: string, words: Words = {}) => make<string | undefined>("text", brief, words),
  number: (brief: string, words: Words = {}) => make<number | undefined>("number", brief, words),
  many: (brief: string, words: Words = {}) => make<readonly string[]>("text", brief, words, { many: true }),
  is: (brief: string, words: Words = {}) => make<boolean>("is", brief, words),
  choice: <const C extends readonly string[]>(brief: string, choices: C, words: Words = {}) =>
    make<C[number] | undefined>("choice", brief, words, { choices }),
};

export type Flags = Readonly<Record<string, Flag<unknown>>>;
type Values<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** A verb: its words, and what it does. What it returns is shown in the format asked for. */
export interface Command {
  readonly brief: string;
  readonly flags: Flags;
  readonly args:
    | { readonly brief: string; readonly placeholder: string; readonly many: boolean; readonly optional: boolean }
    | undefined;
  readonly run: (ctx: Ctx, flags: Readonly<Record<string, unknown>>, args: readonly string[]) => Promise<Shown>;
}

export function command<F extends Flags>(spec: {
  readonly brief: string;
  readonly flags?: F;
  readonly args?: {
    readonly brief: string;
    readonly placeholder: string;
    readonly many?: boolean;
    readonly optional?: boolean;
  };
  readonly run: (ctx: Ctx, flags: Values<F>, args: readonly string[]) => Promise<Shown>;
}): Command {
  return {
    brief: spec.brief,
    flags: spec.flags ?? {},
    args: spec.args === undefined ? undefined : { many: false, optional: false, ...spec.args },
    run: spec.run as Command["run"],
  };
}

/** A noun: one command of its own name (`up`, `validate`) or several verbs. */
export type Noun = { readonly brief: string } & (
  | {
      readonly verbs: Readonly<Record<string, Command>>;
      /** The verb that is meant where none is said. */
      readonly bare?: string;
      readonly only?: undefined;
    }
  | { readonly only: Command; readonly verbs?: undefined }
);

export function missing(what: string, hint: string): AppError {
  return new AppError("InvalidArgument", `${what} is missing`, { hint });
}
