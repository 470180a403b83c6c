import { AppError } from "../../contract/errors.ts";

/** Order of paths everywhere: bytes of their UTF-8 form, which is the order of code points. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates below U+E000..U+FFFF; UTF-8 puts what they stand for above. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/**
 * A path as a person writes it, made clean: no leading, doubled or trailing `/`, no `.` segments. `""` is the root.
 * InvalidPath for `..`, NUL and text that is no text; what else a place cannot hold, the place refuses.
 */
export function cleanPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw new AppError("InvalidPath", `\`${path.toWellFormed()}\` may not hold \`..\``);
  if (path.includes("\0") || !path.isWellFormed()) {
    throw new AppError("InvalidPath", `\`${path.toWellFormed().replaceAll("\0", "\\0")}\` holds NUL or broken text`);
  }
  return parts.join("/");
}

export function joinPath(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/");
}

/** `a/b` + `c` for URIs: one slash between, none at the end where there is nothing to add. */
export function joinUri(base: string, path: string): string {
  if (path === "") return base;
  return base.endsWith("/") ? base + path : `${base}/${path}`;
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
