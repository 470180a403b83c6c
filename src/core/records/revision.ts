/** A record that counts its writes. */
export interface Revised {
  readonly rev: number;
  readonly createdAt: string;
}

/** Tells two states of a record apart, also of one that was deleted and made again. What travels as ETag. */
export function revisionTag({ rev, createdAt }: Revised): string {
  return `${rev}.${Date.parse(createdAt).toString(36)}`;
}

/** Throws PreconditionFailed unless what stands (undefined: nothing) is what the caller means. */
export type Precondition = (standing: Revised | undefined) => void;
