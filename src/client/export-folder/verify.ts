import { stat } from "node:fs/promises";
import { join } from "node:path";
import { inside } from "../files-node.ts";
import type { Problem } from "./batches.ts";
import { digestOf } from "./folder.ts";
import type { Manifest } from "./manifest.ts";
import { metadataOf } from "./parquet.ts";
import { TABLE_NAMES } from "./tables.ts";

/** Reads an export back: every file's checksum, every table's count of rows. Answers what is not as the manifest says. */
export async function verifyExport(
  folder: string,
  manifest: Manifest,
  onProgress: (text: string) => void,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  let checked = 0;
  for (const { path, size_bytes, sha256 } of manifest.files) {
    const place = inside(folder, path);
    const found = await stat(place).catch(() => undefined);
    if (found === undefined) problems.push({ about: path, message: "the file is not there" });
    else if (found.size !== size_bytes)
      problems.push({ about: path, message: `the file has ${found.size} bytes, and had ${size_bytes}` });
    else if ((await digestOf(place)).sha256 !== sha256)
      problems.push({ about: path, message: "the file's SHA-256 is not the one in the manifest" });
    onProgress(`verified ${++checked} of ${manifest.files.length} files`);
  }
  const broken = new Set(problems.map(({ about }) => about));
  for (const name of TABLE_NAMES) {
    const path = `${name}.parquet`;
    if (broken.has(path)) continue;
    const rows = Number((await metadataOf(join(folder, path))).num_rows);
    if (rows !== manifest.counts[name])
      problems.push({ about: path, message: `the table has ${rows} rows, and had ${manifest.counts[name]}` });
  }
  return problems;
}
