/** Keys of the home's cloud that end by themselves. */
export interface LentKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** ms since the epoch. */
  readonly expiresMs: number;
  readonly region: string;
  /** Bucket of the home's objects. */
  readonly bucket: string;
  /** How many of the prefixes they are for: the first ones. What a cloud says of rights has a length. */
  readonly prefixes: number;
}

/** Lends a run's command rights of the home's, narrowed. */
export interface Credentials {
  /** Keys that read, write and list the objects below `prefixes` (what does not end with `/` is one object) and do nothing else, for an hour at most. `name` is what the cloud's own log calls who has them. */
  lend(name: string, prefixes: readonly string[]): Promise<LentKeys>;
}
