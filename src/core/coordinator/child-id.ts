/** Names found last: each is asked for when a child is ordered, when it has ended, and by those that read its outputs. */
const known = new Map<string, string>();
const KNOWN_LIMIT = 10_000;

/** The job of a composite's child: submitting it twice is submitting it once. 32 hex digits. */
export async function childId(composite: string, child: string): Promise<string> {
  const key = `${composite}\n${child}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))).subarray(0, 16);
  const id = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (known.size >= KNOWN_LIMIT) known.clear();
  known.set(key, id);
  return id;
}
