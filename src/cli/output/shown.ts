/** One column of a table: its head, and its text for an item. */
export interface Column<T> {
  readonly head: string;
  readonly of: (item: T) => unknown;
}

/** What a command has to show. */
export type Shown =
  | {
      readonly kind: "list";
      readonly items: readonly unknown[];
      readonly columns: readonly Column<never>[];
      readonly exit?: number;
    }
  /** `brief`: labels and texts for a person's eyes; absent: YAML. */
  | {
      readonly kind: "one";
      readonly value: unknown;
      readonly brief?: readonly (readonly [label: string, text: unknown])[];
      readonly exit?: number;
    }
  /** Text as it is, in every format. */
  | { readonly kind: "text"; readonly text: string; readonly exit?: number }
  | { readonly kind: "nothing"; readonly exit?: number };

export function list<T>(items: readonly T[], columns: readonly Column<T>[], exit?: number): Shown {
  return { kind: "list", items, columns: columns as readonly Column<never>[], ...(exit === undefined ? {} : { exit }) };
}

export function one<T>(value: T, brief?: (value: T) => readonly (readonly [string, unknown])[], exit?: number): Shown {
  return {
    kind: "one",
    value,
    ...(brief === undefined ? {} : { brief: brief(value) }),
    ...(exit === undefined ? {} : { exit }),
  };
}

export function text(content: string, exit?: number): Shown {
  return { kind: "text", text: content, ...(exit === undefined ? {} : { exit }) };
}

export function nothing(exit?: number): Shown {
  return { kind: "nothing", ...(exit === undefined ? {} : { exit }) };
}
