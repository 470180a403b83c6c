/** The job of a composite's child: submitting it twice is submitting it once. 32 hex digits. */
export async function childId(composite: string, child: string): Promise<string> {
  const bytes = new TextEncoder().encode(`${composite}\n${child}`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).subarray(0, 16);
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
