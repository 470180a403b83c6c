import { join } from "node:path";

/** Where temporary files lie. No encoded segment holds a `%` but as `%25`, so no key can reach it. */
export const TEMP_FOLDER = "%tmp";

/** Ends the file name of an object whose plain name is a folder (`a` beside `a/b`). */
const ASIDE = "%file";
/** Ends the name of a folder that stands for the first part of a segment too long for one file name. */
const CONTINUED = "%more";
/** File systems hold 255 bytes a name; the marks above need room. */
const NAME_LIMIT_BYTES = 240;

/** The file of a (checked) key under `root`. */
export function plainPath(root: string, key: string): string {
  return join(root, ...key.split("/").flatMap(encodeSegment));
}

/** The file of a key whose plain path is taken by a folder. */
export function asidePath(plain: string): string {
  return plain + ASIDE;
}

/** The folder of whole segments `folder` (`a/b`, or empty for the root). */
export function folderPath(root: string, folder: string): string {
  return folder === "" ? root : plainPath(root, folder);
}

function encodeSegment(segment: string): readonly string[] {
  const names: string[] = [];
  let name = "";
  let sizeBytes = 0;
  for (const character of segment) {
    const encoded = character === "%" ? "%25" : character;
    const more = Buffer.byteLength(encoded);
    if (sizeBytes + more > NAME_LIMIT_BYTES) {
      names.push(name + CONTINUED);
      name = "";
      sizeBytes = 0;
    }
    name += encoded;
    sizeBytes += more;
  }
  return [...names, name];
}

/** What a name in a folder of the store means; undefined for names that are not ours. */
export function decodeName(
  name: string,
): { readonly text: string; readonly mark: "" | typeof ASIDE | typeof CONTINUED } | undefined {
  const mark = name.endsWith(ASIDE) ? ASIDE : name.endsWith(CONTINUED) ? CONTINUED : "";
  const encoded = name.slice(0, name.length - mark.length);
  const text = encoded.replaceAll("%25", "%");
  return text.replaceAll("%", "%25") === encoded && encoded !== "" ? { text, mark } : undefined;
}

export const isContinued = (mark: string): boolean => mark === CONTINUED;
