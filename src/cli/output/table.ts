/** Text of one value for a person: no JSON where it can be helped, no line breaks. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value.replace(/[\r\n\t]+/g, " ");
  if (Array.isArray(value))
    return value.every((item) => typeof item !== "object") ? value.join(", ") : `${value.length} items`;
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([key, entry]) => (entry === "" || entry === null ? key : `${key}=${cell(entry)}`))
      .join(" ");
  }
  return String(value);
}

const LEAST = 8;

/** Columns padded to their widest cell; on a terminal the widest ones give way until a row fits. */
export function tableText(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number | undefined,
): string {
  const widths = heads.map((head, i) => Math.max(width(head), ...rows.map((row) => width(row[i] ?? ""))));
  if (columns !== undefined) shrink(widths, columns);
  const line = (cells: readonly string[]) =>
    widths
      .map((wide, i) => pad(clip(cells[i] ?? "", wide), wide))
      .join("  ")
      .trimEnd();
  const rule = widths.map((wide) => "-".repeat(wide)).join("  ");
  return `${[line(heads), rule, ...rows.map(line)].join("\n")}\n`;
}

/** `label  text` lines; empty texts are left out. */
export function briefText(pairs: readonly (readonly [string, unknown])[]): string {
  const shown = pairs.map(([label, value]) => [label, cell(value)] as const).filter(([, value]) => value !== "");
  const wide = Math.max(0, ...shown.map(([label]) => width(label)));
  return shown.map(([label, value]) => `${pad(label, wide)}  ${value}\n`).join("");
}

function shrink(widths: number[], columns: number): void {
  const total = () => widths.reduce((sum, wide) => sum + wide, 0) + 2 * (widths.length - 1);
  while (total() > columns) {
    const widest = widths.indexOf(Math.max(...widths));
    const current = widths[widest] ?? 0;
    if (current <= LEAST) return;
    const second = Math.max(LEAST, ...widths.filter((_, i) => i !== widest));
    widths[widest] = Math.max(LEAST, current - Math.max(1, Math.min(total() - columns, current - second)));
  }
}

function clip(content: string, wide: number): string {
  if (width(content) <= wide) return content;
  let kept = "";
  for (const char of content) {
    if (width(kept) + width(char) > wide - 1) break;
    kept += char;
  }
  return `${kept}…`;
}

function pad(content: string, wide: number): string {
  return content + " ".repeat(Math.max(0, wide - width(content)));
}

/** Terminal columns; East Asian wide characters and emoji take two, combining marks none. */
function width(content: string): number {
  if (/^[\x20-\x7e]*$/.test(content)) return content.length;
  let columns = 0;
  for (const char of content) {
    if (/\p{Mn}|\p{Me}|\p{Cf}/u.test(char)) continue;
    columns +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return columns;
}
