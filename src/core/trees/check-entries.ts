import { AppError } from "../../contract/errors.ts";
import type { TreeEntry } from "../../contract/trees.ts";

const PATH_LIMIT_BYTES = 1024;

/** Throws InvalidArgument unless the entries are a folder that any file system can hold: no path twice, nothing below a file or link, no link that leads out. */
export function checkEntries(entries: readonly TreeEntry[]): void {
  const kinds = new Map<string, TreeEntry["kind"]>();
  const encoder = new TextEncoder();
  for (const { kind, path } of entries) {
    if (!path.isWellFormed()) throw refuse(path, "is not well-formed text");
    if (path.length * 3 > PATH_LIMIT_BYTES && encoder.encode(path).byteLength > PATH_LIMIT_BYTES) {
      throw refuse(path, `is longer than ${PATH_LIMIT_BYTES} bytes`);
    }
    if (kinds.has(path)) throw refuse(path, "is there twice");
    kinds.set(path, kind);
  }
  for (const entry of entries) {
    checkParents(entry.path, kinds);
    if (entry.kind === "symlink") checkTarget(entry.path, entry.target);
  }
}

function checkParents(path: string, kinds: ReadonlyMap<string, TreeEntry["kind"]>): void {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    const parent = path.slice(0, at);
    const kind = kinds.get(parent);
    if (kind === "folder") throw refuse(parent, `is given as an empty folder but holds \`${path}\``);
    if (kind !== undefined) throw refuse(parent, `is a ${kind}, so \`${path}\` can't lie in it`);
  }
}

/**
 * A target is `../` any number of times, then names. Nothing lies below a link (checked above), so the leading `..` climb real folders;
 * a `..` after a name might climb out of where another link leads, so it is refused.
 */
function checkTarget(path: string, target: string): void {
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const climbs = parts.findIndex((part) => part !== "..");
  const up = climbs === -1 ? parts.length : climbs;
  const depth = path.split("/").length - 1;
  if (target.startsWith("/") || target.includes("\0") || !target.isWellFormed() || up > depth) {
    throw refuse(path, `is a link to \`${target}\`, which is outside of the tree`);
  }
  if (parts.slice(up).includes("..")) {
    throw refuse(path, `is a link to \`${target}\`; \`..\` may only stand at the beginning of a target`);
  }
}

function refuse(path: string, why: string): AppError {
  return new AppError("InvalidArgument", `tree entry \`${path.toWellFormed()}\` ${why}`);
}
