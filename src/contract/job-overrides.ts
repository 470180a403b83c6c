/** Fields of a job's spec of which an override changes only the entries it names. */
const MERGED: ReadonlySet<string> = new Set([
  "inputs",
  "outputs",
  "environment_variables",
  "tags",
  "properties",
  "resources",
  "limits",
  "settings",
  "queue_settings",
]);

type Fields = Readonly<Record<string, unknown>>;

/** A job's spec with what is said anew: maps entry by entry, all else as a whole. */
export function overrideJob(spec: Fields, overrides: Fields): Fields {
  const made: Record<string, unknown> = { ...spec };
  for (const [key, value] of Object.entries(overrides)) {
    made[key] = MERGED.has(key) ? { ...(spec[key] as Fields | undefined), ...(value as Fields) } : value;
  }
  return made;
}
