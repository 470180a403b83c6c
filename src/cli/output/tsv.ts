/** One line an item, its values side by side, as `az … -o tsv` does; no quoting, so that a shell can read it. */
export function tsvText(value: unknown): string {
  const rows = Array.isArray(value) ? value : [value];
  return rows.map((row) => `${rowText(row)}\n`).join("");
}

function rowText(row: unknown): string {
  if (Array.isArray(row)) return row.map(fieldText).join("\t");
  if (typeof row === "object" && row !== null) return Object.values(row).map(fieldText).join("\t");
  return fieldText(row);
}

/** What is nested has no place in a row: a list is told by its length. */
function fieldText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return String(value.length);
  return typeof value === "object" ? "" : String(value);
}
