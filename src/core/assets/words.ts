import type { AssetKind, AssetWords } from "./ports.ts";

export const KIND_WORDS: Readonly<Record<AssetKind, string>> = {
  data: "data asset",
  environment: "environment",
  component: "component",
};

type Changes = Readonly<Record<string, string | null>>;

/** Tags after a change: names given are replaced, a null removes one. */
export function mergeTags(
  before: Readonly<Record<string, string>>,
  changes: Changes | undefined,
): Readonly<Record<string, string>> {
  if (changes === undefined) return before;
  const merged = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) merged.delete(name);
    else merged.set(name, value);
  }
  return Object.fromEntries(merged);
}

/** Words of a spec, absent ones empty. */
export function wordsOf(spec: {
  readonly description?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly properties?: Readonly<Record<string, string>> | undefined;
}): AssetWords {
  return {
    ...(spec.description === undefined ? {} : { description: spec.description }),
    tags: spec.tags ?? {},
    properties: spec.properties ?? {},
  };
}
