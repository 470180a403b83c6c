type Token = "**/" | "**" | "*" | "?" | { readonly char: string };

/** True if a name fits: `*` is any text without `/`, `**` any text, `?` one character; all else stands for itself. Takes pattern times name, never more. */
export function fitsPattern(pattern: string | undefined, name: string): boolean {
  if (pattern === undefined) return true;
  const chars = Array.from(name);
  // Ends of what of the name fits the tokens so far.
  let ends: readonly boolean[] = [true, ...chars.map(() => false)];
  for (const token of tokensOf(pattern)) ends = step(token, chars, ends);
  return ends[chars.length] === true;
}

function tokensOf(pattern: string): readonly Token[] {
  return pattern.split(/(\*\*\/|\*\*|\*|\?)/).flatMap((part): readonly Token[] => {
    if (part === "**/" || part === "**" || part === "*" || part === "?") return [part];
    return Array.from(part, (char) => ({ char }));
  });
}

function step(token: Token, chars: readonly string[], ends: readonly boolean[]): readonly boolean[] {
  const next: boolean[] = [];
  // Whether the token may go on from some earlier end.
  let isOpen = false;
  for (const [i, isEnd] of ends.entries()) {
    const char = chars[i - 1];
    if (typeof token === "object" || token === "?") {
      const fits = token === "?" ? char !== "/" : char === token.char;
      next.push(i > 0 && ends[i - 1] === true && fits);
      continue;
    }
    if (token === "*" && char === "/") isOpen = false;
    next.push(isEnd || (isOpen && (token !== "**/" || char === "/")));
    isOpen ||= isEnd;
  }
  return next;
}
