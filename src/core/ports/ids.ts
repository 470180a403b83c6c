export interface Ids {
  /** 32 random hex digits. */
  hex32(): string;
  /** A secret: 43 characters of base64url, 256 random bits. */
  secret(): string;
}
