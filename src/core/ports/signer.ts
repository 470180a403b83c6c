/** Signs and checks tokens with a key that never leaves the home. */
export interface Signer {
  /** Compact text, URL-safe; `claims` are readable by whoever holds it. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** The claims, or undefined if the signature is not ours. Expiry is the caller's business. */
  verify(token: string): Promise<Readonly<Record<string, unknown>> | undefined>;
}
