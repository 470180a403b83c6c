import { readFileSync } from "node:fs";
import { join } from "node:path";
import ignore, { type Ignore } from "ignore";

/** Never part of a snapshot, whatever the rules say. */
const ALWAYS: ReadonlySet<string> = new Set([".git", ".trainyard"]);

/** The rules of a folder and of those above it, up to the snapshot's root. */
export interface Rules {
  /** `path` relative to the root. A folder that is left out is not entered, so nothing below it can come back. */
  leavesOut(path: string, isFolder: boolean): boolean;
  /** Rules inside the folder `path`, whose names are `names`. */
  enter(path: string, names: ReadonlySet<string>): Rules;
}

interface Layer {
  /** Folder of the file, relative to the root, with a slash at its end; empty for the root. */
  readonly prefix: string;
  readonly rules: Ignore;
}

/**
 * .amlignore, else .gitignore, with git's meaning: deeper files win, `!` brings back. Where the root has an .amlignore,
 * .gitignore files below it have no say. Nor have they in data and models (`asData`), which are kept out of git for their size.
 */
export function rulesOf(root: string, names: ReadonlySet<string>, asData = false): Rules {
  return make(root, [], asData || names.has(".amlignore")).enter("", names);
}

function make(root: string, layers: readonly Layer[], amlOnly: boolean): Rules {
  return {
    leavesOut(path, isFolder) {
      if (ALWAYS.has(path.slice(path.lastIndexOf("/") + 1))) return true;
      for (let i = layers.length - 1; i >= 0; i--) {
        const layer = layers[i];
        if (layer === undefined) continue;
        const result = layer.rules.test(path.slice(layer.prefix.length) + (isFolder ? "/" : ""));
        if (result.ignored) return true;
        if (result.unignored) return false;
      }
      return false;
    },
    enter(path, names) {
      const file = names.has(".amlignore")
        ? ".amlignore"
        : !amlOnly && names.has(".gitignore")
          ? ".gitignore"
          : undefined;
      if (file === undefined) return make(root, layers, amlOnly);
      const rules = ignore({ allowRelativePaths: false }).add(readFileSync(join(root, path, file), "utf8"));
      return make(root, [...layers, { prefix: path === "" ? "" : `${path}/`, rules }], amlOnly);
    },
  };
}
