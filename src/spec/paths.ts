/** What a path names, as far as the caller can see. */
export type PathKind = "file" | "dir" | "absent";

/**
 * The only way this floor sees files. Paths are in POSIX form, absolute or relative to a place only the reader knows;
 * a Windows caller turns `\` into `/` and keeps the drive as the first segment.
 */
export interface FileReader {
  /** Whole content as text; undefined when the file cannot be read or is no valid UTF-8. */
  readText(path: string): string | undefined;
  /** Follows links. */
  stat(path: string): PathKind;
  /** The path as a person would find it, for messages. Absent: shown as it is. */
  absolute?(path: string): string;
  /** Size in bytes, asked before reading. Absent: the text is read and measured. */
  sizeBytes?(path: string): number | undefined;
}

/** What is there; a path the system cannot even look at (too long, a NUL in it, a circle of links, no right) is absent. */
export function kindOfPath(reader: FileReader, path: string): PathKind {
  try {
    return path.includes("\0") ? "absent" : reader.stat(path);
  } catch {
    return "absent";
  }
}

/** The path as a person would find it. */
export function shownPath(reader: FileReader, path: string): string {
  return reader.absolute?.(path) ?? path;
}

/** `a/./b/../c` -> `a/c`; leading `..` of a relative path stay, those above `/` vanish. */
export function normalizePath(path: string): string {
  const absolute = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!absolute) kept.push("..");
  }
  const body = kept.join("/");
  return absolute ? `/${body}` : body === "" ? "." : body;
}

/** Folder a file is in: `a/b.yml` -> `a`, `b.yml` -> `.`. */
export function parentPath(path: string): string {
  const at = path.lastIndexOf("/");
  if (at < 0) return ".";
  return at === 0 ? "/" : path.slice(0, at);
}

export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** `relative` as seen from folder `base`; an absolute path stays as it is. Both `/` and `\` separate, as in files written on Windows. */
export function resolvePath(base: string, relative: string): string {
  const path = relative.replaceAll("\\", "/");
  if (path.startsWith("/") || /^[A-Za-z]:\//.test(path)) return normalizePath(path);
  return normalizePath(base === "." ? path : `${base}/${path}`);
}

/** Files held in memory: for the studio's editor, for specs that came over the wire, for tests. Folders exist by their files. */
export function memoryReader(files: Readonly<Record<string, string>>): FileReader {
  const texts = new Map(Object.entries(files).map(([path, text]) => [normalizePath(path), text]));
  return {
    readText: (path) => texts.get(normalizePath(path)),
    stat(path) {
      const wanted = normalizePath(path);
      if (texts.has(wanted)) return "file";
      if (wanted === "." || wanted === "/") return "dir";
      for (const known of texts.keys()) if (known.startsWith(`${wanted}/`)) return "dir";
      return "absent";
    },
  };
}
