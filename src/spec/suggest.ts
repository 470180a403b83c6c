/** Restricted Damerau-Levenshtein distance: insert, delete, replace, swap of neighbours. Stops early beyond `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        value = Math.min(value, (before[j - 2] ?? 0) + 1);
      row.push(value);
      if (value < best) best = value;
    }
    if (best > limit) return limit + 1;
    before = last;
    last = row;
  }
  return last[b.length] ?? limit + 1;
}

const plain = (word: string) => word.toLowerCase().replace(/[-_ .]/g, "");

/** The word a person most likely meant, or undefined when none is close enough to be worth saying. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  if (wanted === "" || wanted.length > 100) return undefined;
  const limit = wanted.length <= 3 ? 1 : Math.min(4, Math.ceil(wanted.length / 3));
  let found: string | undefined;
  let best = limit + 1;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const away = other === wanted ? 0 : distance(wanted, other, limit);
    if (away < best && away < Math.max(wanted.length, other.length)) {
      best = away;
      found = candidate;
    }
  }
  return found;
}

/** `` `a`, `b` and 3 more `` */
export function listed(words: Iterable<string>, most = 12): string {
  const all = [...words];
  if (all.length === 0) return "none";
  const shown = all
    .slice(0, most)
    .map((word) => `\`${word}\``)
    .join(", ");
  return all.length > most ? `${shown} and ${all.length - most} more` : shown;
}
