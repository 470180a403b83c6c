/** Handles of attempts that were just handed over. A short one's is kept with what its runner tells first, which saves a write. */
export interface HandOvers {
  /** The handle is taken soon, or kept by `keep`. */
  add(workspace: string, attempt: string, handle: string, keep: () => Promise<unknown>): void;
  /** For who keeps it. */
  take(workspace: string, attempt: string): string | undefined;
}
