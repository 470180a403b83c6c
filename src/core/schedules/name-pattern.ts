/** True if a name fits: `*` is any text without `/`, `**` any text, `?` one character; all else stands for itself. */
export function fitsPattern(pattern: string | undefined, name: string): boolean {
  if (pattern === undefined) return true;
  const source = pattern
    .split(/(\*\*\/?|\*|\?)/)
    .map((part) => GLOBS[part] ?? part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"))
    .join("");
  return new RegExp(`^${source}$`, "su").test(name);
}

const GLOBS: Readonly<Record<string, string>> = { "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" };
