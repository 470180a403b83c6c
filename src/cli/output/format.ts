import { AppError } from "../../contract/errors.ts";
import type { Out } from "../io.ts";
import type { Shown } from "./shown.ts";
import { briefText, cell, tableText } from "./table.ts";
import { tsvText } from "./tsv.ts";

export const FORMATS = ["table", "json", "jsonc", "yaml", "yamlc", "tsv", "none"] as const;
export type Format = (typeof FORMATS)[number];

/** Prints a result: as asked, else a table or short form on a terminal and JSON elsewhere. */
export async function print(
  out: Out,
  shown: Shown,
  format: Format | undefined,
  query: string | undefined,
): Promise<void> {
  if (shown.kind === "nothing") return;
  if (shown.kind === "text") {
    out.write(shown.text);
    return;
  }
  const whole = shown.kind === "list" ? shown.items : shown.value;
  if (query !== undefined) {
    const part = await search(whole, query);
    // Azure's tools print nothing for a query that finds nothing, in every format but JSON.
    out.write(await textOf(part, format ?? "json", out.isTTY));
    return;
  }
  const chosen = format ?? (out.isTTY ? "table" : "json");
  if (chosen !== "table") {
    out.write(await textOf(whole, chosen, out.isTTY));
    return;
  }
  if (shown.kind === "list") {
    const rows = shown.items.map((item) => shown.columns.map((column) => cell(column.of(item as never))));
    out.write(
      tableText(
        shown.columns.map((column) => column.head),
        rows,
        out.isTTY ? out.columns : undefined,
      ),
    );
  } else {
    out.write(shown.brief === undefined ? await textOf(whole, "yaml", false) : briefText(shown.brief));
  }
}

async function search(value: unknown, query: string): Promise<unknown> {
  const { default: jmespath } = await import("jmespath");
  try {
    return jmespath.search(value, query) as unknown;
  } catch (cause) {
    throw new AppError("InvalidArgument", `\`--query ${query}\`: ${(cause as Error).message}`, {
      hint: "a JMESPath expression, for example `[].name` or `status`",
    });
  }
}

async function textOf(value: unknown, format: Format, colors: boolean): Promise<string> {
  switch (format) {
    case "none":
      return "";
    case "json":
      return `${JSON.stringify(value ?? null, null, 2)}\n`;
    case "jsonc":
      return `${colored(JSON.stringify(value ?? null, null, 2), colors)}\n`;
    case "yaml":
    case "yamlc": {
      const { yamlText } = await import("./yaml.ts");
      return yamlText(value ?? null);
    }
    case "tsv":
      return tsvText(value);
    case "table":
      return anyTable(value);
  }
}

/** A table of whatever a query found. */
function anyTable(value: unknown): string {
  if (value === null || value === undefined) return "";
  const rows = Array.isArray(value) ? value : [value];
  const heads = [
    ...new Set(
      rows.flatMap((row) =>
        isRecord(row) ? Object.keys(row) : Array.isArray(row) ? row.map((_, i) => `Column${i + 1}`) : ["Result"],
      ),
    ),
  ];
  return tableText(
    heads,
    rows.map((row) =>
      isRecord(row) ? heads.map((head) => cell(row[head])) : Array.isArray(row) ? row.map(cell) : [cell(row)],
    ),
    undefined,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function colored(json: string, colors: boolean): string {
  if (!colors) return json;
  return json.replace(TOKEN, (whole, string?: string, colon?: string) => {
    if (string === undefined) return `\u001b[33m${whole}\u001b[0m`;
    return colon === undefined ? `\u001b[32m${string}\u001b[0m` : `\u001b[36m${string}\u001b[0m${colon}`;
  });
}
