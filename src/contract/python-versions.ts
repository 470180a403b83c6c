/** The oldest Python that jobs and deployments run on. */
export const OLDEST_PYTHON = "3.10";

/** `3.11` of `3.11.7`; for ordering, `3.9` comes before `3.10`. */
export function pythonMinor(version: string): number {
  return Number(version.split(".")[1] ?? 0);
}

/** Of the versions (`3.11`, …), the one closest to the wanted one; of two as close, the newer. */
export function nearestPython(wanted: string, versions: readonly string[]): string | undefined {
  const target = pythonMinor(wanted);
  const away = (version: string) => Math.abs(pythonMinor(version) - target);
  return [...versions].sort((a, b) => away(a) - away(b) || pythonMinor(b) - pythonMinor(a))[0];
}
