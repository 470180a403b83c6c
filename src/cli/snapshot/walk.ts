import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { AppError } from "../../contract/errors.ts";
import { type Rules, rulesOf } from "./ignore-rules.ts";

/** A file as it was found; its content is not read yet. */
export interface FoundFile {
  readonly path: string;
  readonly absolute: string;
  readonly stats: Stats;
}

export interface Found {
  readonly files: FoundFile[];
  readonly folders: string[];
  readonly links: { readonly path: string; readonly target: string }[];
  readonly warnings: string[];
}

const DROPPINGS: ReadonlySet<string> = new Set([".amlignore", ".DS_Store"]);
const NONE: ReadonlySet<string> = new Set();
const MOST_ENTRIES = 200_000;
const LONGEST_PATH_BYTES = 1024;

export interface WalkOptions {
  /** Data and models: .gitignore has no say, and ignore files and desktop droppings are not among what scripts list. */
  readonly asData?: boolean;
}

/**
 * Everything in a folder that its ignore files let through, in no particular order. Links that stay inside are kept as links;
 * others give way to what they point at, with a warning.
 */
export function walk(root: string, options: WalkOptions = {}): Found {
  const found: Found = { files: [], folders: [], links: [], warnings: [] };
  const real = realpathSync(root);
  const walker: Walker = { root, real, found, without: options.asData === true ? DROPPINGS : NONE };
  const names = namesIn(root);
  folder(walker, "", root, names, rulesOf(root, new Set(names), options.asData), [real]);
  keepOnlyLiveLinks(walker);
  return found;
}

interface Walker {
  readonly root: string;
  readonly real: string;
  readonly found: Found;
  readonly without: ReadonlySet<string>;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

/** Answers whether anything of the folder is in the snapshot. */
function folder(
  walker: Walker,
  path: string,
  absolute: string,
  names: readonly string[],
  rules: Rules,
  chain: readonly string[],
): boolean {
  let some = false;
  let leftOut = false;
  for (const name of names) {
    if (walker.without.has(name)) continue;
    const child = path === "" ? name : `${path}/${name}`;
    const place = join(absolute, name);
    const stats = lstat(place, child);
    if (stats === undefined) continue;
    if (rules.leavesOut(child, stats.isDirectory())) {
      leftOut = true;
      continue;
    }
    some = entry(walker, child, place, stats, rules, chain) || some;
  }
  // A folder whose content is left out is left out; one that is empty on the disk is kept.
  if (!some && !leftOut && path !== "") {
    add(walker, walker.found.folders, path, path);
    return true;
  }
  return some;
}

function entry(
  walker: Walker,
  path: string,
  place: string,
  stats: Stats,
  rules: Rules,
  chain: readonly string[],
): boolean {
  if (stats.isFile()) {
    add(walker, walker.found.files, { path, absolute: place, stats }, path);
    return true;
  }
  if (stats.isDirectory()) {
    const names = namesIn(place);
    return folder(walker, path, place, names, rules.enter(path, new Set(names)), chain);
  }
  if (stats.isSymbolicLink()) return link(walker, path, place, rules, chain);
  walker.found.warnings.push(`\`${path}\` is neither a file nor a folder and is left out`);
  return false;
}

function link(walker: Walker, path: string, place: string, rules: Rules, chain: readonly string[]): boolean {
  const written = readlinkSync(place);
  const lexical = resolve(dirname(place), written);
  const target = real(place);
  const stays = isInside(resolve(walker.root), lexical) || (isAbsolute(written) && isInside(walker.real, lexical));
  if (stays && (target === undefined || isInside(walker.real, target))) {
    const from = dirname(join(walker.root, path));
    const base = isInside(resolve(walker.root), lexical) ? resolve(from) : resolve(walker.real, dirname(path));
    add(walker, walker.found.links, { path, target: relative(base, lexical).split(sep).join("/") || "." }, path);
    return true;
  }
  if (target === undefined) {
    walker.found.warnings.push(`\`${path}\` is a link to \`${written}\`, which does not exist, and is left out`);
    return false;
  }
  const stats = statSync(target);
  if (stats.isFile()) {
    walker.found.warnings.push(`\`${path}\` is a link out of the folder; the file it points at is taken instead`);
    add(walker, walker.found.files, { path, absolute: target, stats }, path);
    return true;
  }
  if (!stats.isDirectory()) return false;
  if (chain.some((above) => isInside(target, above))) {
    throw new AppError(
      "InvalidArgument",
      `\`${path}\` is a link that leads back into a folder it is in: \`${written}\``,
      {
        hint: "remove the link, or leave it out with .amlignore",
      },
    );
  }
  walker.found.warnings.push(`\`${path}\` is a link out of the folder; the folder it points at is taken instead`);
  return folder(walker, path, target, namesIn(target), rules, [...chain, target]);
}

/** A link whose target the rules leave out would hang in the air wherever the snapshot is unpacked. */
function keepOnlyLiveLinks(walker: Walker): void {
  const { found } = walker;
  if (found.links.length === 0) return;
  const present = new Set<string>([
    ...found.files.map((file) => file.path),
    ...found.folders,
    ...found.links.map((it) => it.path),
  ]);
  for (const path of [...present]) {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) present.add(path.slice(0, at));
  }
  const kept = found.links.filter(({ path, target }) => {
    const to = join(dirname(path), target).split(sep).join("/").replace(/\/$/, "");
    if (to === "." || present.has(to)) return true;
    const place = real(join(walker.root, path));
    const stats = place === undefined ? undefined : statSync(place, { throwIfNoEntry: false });
    if (place !== undefined && stats?.isFile()) {
      found.warnings.push(`\`${path}\` is a link to \`${to}\`, which is left out; the file itself is taken instead`);
      found.files.push({ path, absolute: place, stats });
    } else found.warnings.push(`\`${path}\` is a link to \`${to}\`, which is not in the snapshot, and is left out`);
    return false;
  });
  found.links.splice(0, found.links.length, ...kept);
}

function add<T>(walker: Walker, list: T[], item: T, path: string): void {
  if (path.length > LONGEST_PATH_BYTES / 3 && Buffer.byteLength(path) > LONGEST_PATH_BYTES) {
    throw new AppError("InvalidPath", `\`${path}\` is longer than ${LONGEST_PATH_BYTES} bytes`);
  }
  const { files, folders, links } = walker.found;
  if (files.length + folders.length + links.length >= MOST_ENTRIES) {
    throw new AppError("TooLarge", `\`${walker.root}\` holds more than ${MOST_ENTRIES} files`, {
      hint: "leave folders out with .amlignore, or upload them as a data asset",
    });
  }
  list.push(item);
}

/** Undefined for what vanished meanwhile. */
function lstat(place: string, path: string): Stats | undefined {
  try {
    return lstatSync(place);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw unreadable(place, cause);
    if (!path.includes("\ufffd")) return undefined;
    throw new AppError("InvalidPath", `the name \`${path}\` is not UTF-8`, {
      hint: "rename the file, or leave its folder out with .amlignore",
    });
  }
}

function real(place: string): string | undefined {
  try {
    return realpathSync(place);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ELOOP") return undefined;
    throw new AppError("InvalidArgument", `\`${place}\` is a link that leads to itself`, {
      hint: "remove it, or leave it out with .amlignore",
    });
  }
}

function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function unreadable(place: string, cause: unknown): AppError {
  return new AppError("InvalidArgument", `\`${place}\` cannot be read: ${(cause as Error).message}`, {}, { cause });
}
