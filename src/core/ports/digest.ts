/** A SHA-256 under way. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** The hash of all bytes so far, as hex. Ends the hasher. */
  hex(): string;
}

/** Hashes what is too large or too much for WebCrypto, which takes whole buffers only and answers later. */
export interface Digest {
  sha256(): Hasher;
}

/** SHA-256 of some bytes or of text in UTF-8, as hex. */
export function sha256Hex(digest: Digest, data: Uint8Array | string): string {
  const hasher = digest.sha256();
  hasher.update(typeof data === "string" ? new TextEncoder().encode(data) : data);
  return hasher.hex();
}
