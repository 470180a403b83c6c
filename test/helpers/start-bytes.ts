import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Bytes of a bundle that are read when its function starts: the entry, and all that it imports other than when it is needed. */
export function startBytes(folder: string): number {
  const found = new Set(["index.mjs"]);
  for (const name of found) {
    const text = readFileSync(join(folder, name), "utf8");
    for (const [, next = ""] of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+\.mjs)"/g)) found.add(next);
  }
  return sizeOf(folder, found);
}

/** Bytes of all its code. */
export function bundleBytes(folder: string): number {
  return sizeOf(
    folder,
    readdirSync(folder).filter((name) => name.endsWith(".mjs")),
  );
}

function sizeOf(folder: string, names: Iterable<string>): number {
  return [...names].reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
