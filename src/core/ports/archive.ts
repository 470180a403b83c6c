/** What goes into an archive, in order. */
export type ArchiveEntry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly executable: boolean;
      /** Called when its turn comes, so that only one file is open at a time. */
      readonly open: () => Promise<ReadableStream<Uint8Array>>;
    }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string };

/** Makes zip files as they are read. The same entries make the same bytes. */
export interface Archiver {
  zip(entries: readonly ArchiveEntry[]): ReadableStream<Uint8Array>;
}
