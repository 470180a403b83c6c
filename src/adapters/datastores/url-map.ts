import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { AppError } from "../../contract/errors.ts";
import { cleanPath } from "../../core/files/paths.ts";
import type { Place } from "../../core/files/place.ts";
import { makeFolderPlace } from "./folder.ts";

/** Address prefix -> folder or file, both ends as they are compared and opened. Longer prefixes win. */
export type UrlMap = readonly { readonly prefix: string; readonly path: string }[];

/**
 * Reads a map file: a JSON object of prefixes and paths, relative to the file's folder or, where that has no such path, to the folder above
 * (a map may lie in the `fixtures/` folder it names). Throws InvalidArgument with the file's name.
 */
export function readUrlMap(file: string): UrlMap {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new AppError(
      "InvalidArgument",
      `TRAINYARD_URL_MAP: \`${file}\` can't be read as JSON: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) throw notMap(file);
  return Object.entries(content)
    .map(([prefix, path]) => {
      if (typeof path !== "string") throw notMap(file);
      return { prefix, path: placeOf(file, path) };
    })
    .sort((a, b) => b.prefix.length - a.prefix.length);
}

function placeOf(file: string, path: string): string {
  if (isAbsolute(path)) return path;
  const near = resolve(dirname(file), path);
  const above = resolve(dirname(file), "..", path);
  return !existsSync(near) && existsSync(above) ? above : near;
}

function notMap(file: string): AppError {
  return new AppError(
    "InvalidArgument",
    `TRAINYARD_URL_MAP: \`${file}\` is not a JSON object of address prefixes and paths`,
  );
}

/** What the map has on disk for an address, path `""` being the address itself. */
export function mappedPlace(map: UrlMap, uri: string): Place | undefined {
  const bare = uri.replace(/[?#].*$/s, "");
  for (const { prefix, path } of map) {
    if (!bare.startsWith(prefix) && `${bare}/` !== prefix) continue;
    const rest = bare.slice(prefix.length);
    const local = rest === "" ? path : join(path, cleanPath(decoded(rest)));
    if (statSync(local, { throwIfNoEntry: false }) !== undefined) return makeFolderPlace(local, { readOnly: true });
  }
  return undefined;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
