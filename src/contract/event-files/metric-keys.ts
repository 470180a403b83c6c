/** Whether a file is one of TensorBoard's, by the name that all its writers give. */
export function isEventFile(path: string): boolean {
  return path.slice(path.lastIndexOf("/") + 1).includes("tfevents");
}

/** Folders whose names say which part of the data was looked at: their tags are the same, and not the same metric. */
const SPLIT = /^(train|training|val|valid|validation|dev|test|testing|eval|evaluation)$/i;
const KEY_LIMIT = 250;

/** Tag -> folder that has the plain key. */
export type Owners = Map<string, string>;

/**
 * The metric key of a tag: the tag itself for the folder that used it first, `validation/loss` for files in a folder of such a name, and with the
 * path that tells the folders apart for any other folder that uses the tag, too. `owners` is added to.
 */
export function metricKey(folder: string, tag: string, owners: Owners): string {
  const last = folder.slice(folder.lastIndexOf("/") + 1);
  if (SPLIT.test(last)) return cleanKey(tag.startsWith(`${last}/`) ? tag : `${last}/${tag}`);
  const owner = owners.get(tag);
  if (owner === undefined) owners.set(tag, folder);
  return cleanKey(owner === undefined || owner === folder ? tag : `${apart(folder, owner)}/${tag}`);
}

/** `a/b/c` seen from `a/d`: `b/c`; the last folder where all of it is above. */
function apart(folder: string, owner: string): string {
  const [here, there] = [folder.split("/"), owner.split("/")];
  let same = 0;
  while (same < here.length && here[same] === there[same]) same++;
  return here.slice(same).join("/") || here.at(-1) || "top";
}

/** What MLflow takes as a key; other characters become `_`. */
export function cleanKey(text: string): string {
  const parts = text
    .normalize()
    .replace(/[^\p{L}\p{N}_.\-/ :]/gu, "_")
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..");
  return Array.from(parts.join("/")).slice(0, KEY_LIMIT).join("").replace(/\/+$/, "") || "_";
}
