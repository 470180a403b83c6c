import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { FileReader } from "../spec/paths.ts";

/** Specs from this machine's disk; relative paths start at `cwd`. */
export function makeFileReader(cwd: string): FileReader {
  const at = (path: string) => resolve(cwd, path);
  return {
    readText(path) {
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(at(path)));
      } catch {
        return undefined;
      }
    },
    stat(path) {
      const found = statSync(at(path), { throwIfNoEntry: false });
      if (found === undefined) return "absent";
      return found.isDirectory() ? "dir" : "file";
    },
    absolute: at,
    sizeBytes: (path) => statSync(at(path), { throwIfNoEntry: false })?.size,
  };
}
