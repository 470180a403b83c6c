/** A record that counts its writes. */
export interface Revised {
  readonly rev: number;
  readonly createdAt: string;
  /** Never the same for two records of one name; where there is none, the time of making tells them apart. */
  readonly seq?: number;
}

/** Tells two states of a record apart, also of one that was deleted and made again. What travels as ETag. */
export function revisionTag({ rev, createdAt, seq }: Revised): string {
  return `${rev}.${seq ?? Date.parse(createdAt).toString(36)}`;
}

/** Throws PreconditionFailed unless what stands (undefined: nothing) is what the caller means. */
export type Precondition = (standing: Revised | undefined) => void;
