import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../contract/errors.ts";
import type { Problem } from "./batches.ts";
import type { FileFact } from "./folder.ts";
import type { Selection } from "./select.ts";
import { TABLE_NAMES, type TableName } from "./tables.ts";

export const MANIFEST = "manifest.json";
export const FORMAT = "trainyard-export";
export const FORMAT_VERSION = 1;

/** What an export is, and all that is in it. A folder without one is not a whole export. */
export interface Manifest {
  readonly format: typeof FORMAT;
  readonly format_version: number;
  readonly written_by: string;
  readonly finished_at: string;
  readonly url: string;
  readonly workspace: string;
  readonly selection: Selection;
  readonly tables_only: boolean;
  readonly counts: Readonly<Record<TableName | "files" | "file_bytes", number>>;
  /** What is not in it, and why. */
  readonly problems: readonly Problem[];
  readonly files: readonly FileFact[];
}

export function countsOf(rows: Readonly<Record<string, number>>, originals: readonly FileFact[]): Manifest["counts"] {
  return {
    ...(Object.fromEntries(TABLE_NAMES.map((name) => [name, rows[name] ?? 0])) as Record<TableName, number>),
    files: originals.length,
    file_bytes: originals.reduce((sum, file) => sum + file.size_bytes, 0),
  };
}

/** Undefined where there is none. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, MANIFEST);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const manifest = parsed(path, text);
  if (manifest.format !== FORMAT || !Array.isArray(manifest.files))
    throw new AppError("InvalidArgument", `\`${path}\` is not the manifest of an export by Trainyard`);
  if (manifest.format_version !== FORMAT_VERSION)
    throw new AppError(
      "NotSupported",
      `the export in \`${folder}\` has format ${manifest.format_version}; this yard reads ${FORMAT_VERSION}`,
    );
  return manifest;
}

function parsed(path: string, text: string): Manifest {
  try {
    return Object(JSON.parse(text)) as Manifest;
  } catch (cause) {
    throw new AppError("InvalidArgument", `\`${path}\` is not JSON`, {}, { cause });
  }
}
